package remote

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode"
)

// maxSaid bounds what is repeated of a server's words.
const maxSaid = 300

// says gives the server's own words about its trouble, as ": words", or "".
func (c *Client) says(a Answer) string {
	text := words(a.Bytes)
	if text == "" {
		return ""
	}
	return ": " + c.scrub(text)
}

// Says gives the server's own words about its trouble, or "".
func (c *Client) Says(a Answer) string { return strings.TrimPrefix(c.says(a), ": ") }

// words finds the message in the bodies servers send with trouble: JSON of a
// few shapes, or one line of text. A page for people is no message.
func words(body []byte) string {
	body = bytes.TrimSpace(body)
	if bytes.HasPrefix(body, []byte("<")) {
		return ""
	}
	if !bytes.HasPrefix(body, []byte("{")) {
		return oneLine(string(body))
	}
	var said struct {
		Error   json.RawMessage `json:"error"`
		Message string          `json:"message"`
		Errors  []struct {
			Msg string `json:"msg"`
		} `json:"errors"`
	}
	if json.Unmarshal(body, &said) != nil {
		return ""
	}
	var text string
	var deep struct {
		Message string `json:"message"`
	}
	switch {
	case json.Unmarshal(said.Error, &text) == nil && text != "":
	case json.Unmarshal(said.Error, &deep) == nil && deep.Message != "":
		text = deep.Message
	case len(said.Errors) > 0:
		text = said.Errors[0].Msg
	default:
		text = said.Message
	}
	return oneLine(text)
}

// Clean makes what a server said fit to be repeated: one line of bounded length
// without our secrets.
func (c *Client) Clean(text string) string { return c.scrub(oneLine(text)) }

// oneLine cuts a text to a line of bounded length that can be printed.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > maxSaid {
		s = string(r[:maxSaid]) + "…"
	}
	return s
}

// scrub takes the secrets out of a text that came from elsewhere: a server may
// repeat the headers it was sent.
func (c *Client) scrub(text string) string {
	for _, path := range []string{c.s.TokenFile, c.s.PasswordFile} {
		if path == "" {
			continue
		}
		if secret, err := c.secret(path); err == nil {
			text = strings.ReplaceAll(text, secret, "***")
			text = strings.ReplaceAll(text, basic(c.s.User, secret), "***")
		}
	}
	return text
}
