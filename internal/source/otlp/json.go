package otlp

import (
	"fmt"
	"net/http"

	"google.golang.org/grpc/codes"
)

// What JSON may hold before it is decoded: the decoder makes an object of some
// hundred bytes out of three, and one call for each level.
const (
	maxJSONDepth  = 256
	maxJSONTokens = 1 << 19 // commas and openings
)

// fromJSON gives the request in protobuf.
func fromJSON(req request, body []byte) ([]byte, error) {
	depth, tokens := weigh(body)
	if depth > maxJSONDepth {
		return nil, malformed("decoding %s: it is nested deeper than %d", typeJSON, maxJSONDepth)
	}
	if tokens > maxJSONTokens {
		return nil, &refusal{status: http.StatusRequestEntityTooLarge, code: codes.ResourceExhausted,
			err: fmt.Errorf("decoding %s: more than %d members; send smaller batches, or protobuf", typeJSON, maxJSONTokens)}
	}
	if err := req.UnmarshalJSON(body); err != nil {
		return nil, malformed("decoding %s: %w", typeJSON, err)
	}
	raw, err := req.MarshalProto()
	if err != nil {
		return nil, malformed("encoding %s as protobuf: %w", typeJSON, err)
	}
	return raw, nil
}

// weigh gives the greatest depth and the number of commas and openings outside
// of texts.
func weigh(body []byte) (depth, tokens int) {
	level, inText := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case inText:
		case c == '{' || c == '[':
			level++
			tokens++
			depth = max(depth, level)
		case c == '}' || c == ']':
			level--
		case c == ',':
			tokens++
		}
	}
	return depth, tokens
}
