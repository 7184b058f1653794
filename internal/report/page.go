package report

import (
	"bytes"
	"html"
	"html/template"
	"regexp"
	"strings"
)

const pageTemplate = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{.Title}} · Pitwall</title><style>{{style}}</style></head>
<body><main class="document">{{.Body}}</main></body></html>
`

// Page makes a document that shows itself of Markdown as this project writes it:
// headings, paragraphs, lists, tables, bold words and code. Everything is
// escaped.
func Page(title, markdown string) ([]byte, error) {
	t, err := template.New("page").Funcs(template.FuncMap{"style": func() template.CSS { return template.CSS(styleSheet) }}).Parse(pageTemplate)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, struct {
		Title string
		Body  template.HTML
	}{title, template.HTML(blocksOf(markdown))})
	return b.Bytes(), err
}

var (
	boldWords = regexp.MustCompile(`\*\*([^*]+)\*\*`)
	codeWords = regexp.MustCompile("`([^`]+)`")
)

// inline escapes a line and marks bold words and code in it. What Markdown had
// to escape already is escaped once.
func inline(text string) string {
	text = template.HTMLEscapeString(html.UnescapeString(text))
	text = codeWords.ReplaceAllString(text, "<code>$1</code>")
	return boldWords.ReplaceAllString(text, "<b>$1</b>")
}

func blocksOf(markdown string) string {
	var b strings.Builder
	for _, block := range strings.Split(strings.TrimSpace(markdown), "\n\n") {
		lines := strings.Split(strings.TrimSpace(block), "\n")
		head := strings.TrimLeft(lines[0], "#")
		level := len(lines[0]) - len(head)
		switch {
		case level > 0 && level <= 4:
			tag := "h" + string(rune('0'+level))
			b.WriteString("<" + tag + ">" + inline(strings.TrimSpace(head)) + "</" + tag + ">\n")
			if len(lines) > 1 {
				b.WriteString(blocksOf(strings.Join(lines[1:], "\n")))
			}
		case strings.HasPrefix(lines[0], "|"):
			b.WriteString(tableOf(lines))
		case strings.HasPrefix(lines[0], "- "):
			b.WriteString("<ul>")
			for _, l := range lines {
				b.WriteString("<li>" + inline(strings.TrimPrefix(l, "- ")) + "</li>")
			}
			b.WriteString("</ul>\n")
		default:
			b.WriteString("<p>" + inline(strings.Join(lines, " ")) + "</p>\n")
		}
	}
	return b.String()
}

func tableOf(lines []string) string {
	var b strings.Builder
	b.WriteString("<table>")
	for i, l := range lines {
		if i == 1 && strings.Trim(l, "|-: ") == "" {
			continue
		}
		tag := "td"
		if i == 0 {
			tag = "th"
		}
		b.WriteString("<tr>")
		for _, c := range cellsOf(l) {
			b.WriteString("<" + tag + ">" + inline(c) + "</" + tag + ">")
		}
		b.WriteString("</tr>")
	}
	b.WriteString("</table>\n")
	return b.String()
}

// cellsOf takes a row of a table apart; \| is no border but a bar in a cell.
func cellsOf(line string) []string {
	const bar = "\x00"
	line = strings.ReplaceAll(strings.TrimSpace(line), `\|`, bar)
	cells := strings.Split(strings.TrimSuffix(strings.TrimPrefix(line, "|"), "|"), "|")
	for i, c := range cells {
		cells[i] = strings.ReplaceAll(strings.TrimSpace(c), bar, "|")
	}
	return cells
}
