package twiliosim

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"
)

// The vendor's codes for documents that it cannot follow.
const (
	codeParseFailure = 12100
	codeSchema       = 12200
	codeTooLarge     = 11750
)

// A twimlText is a Message verb.
type twimlText struct{ to, body string }

// A problem of an answer, for the alerts.
type twimlProblem struct {
	level  string
	code   int
	detail string
}

var tooLong = twimlProblem{"error", codeSchema, "the text of a Message is empty or too long"}

var errDocument = errors.New("not a TwiML document")

// readTwiML reads what a webhook answered to an inbound text: TwiML, plain text to send back, or nothing with 204.
func readTwiML(a answer) (texts []twimlText, problems []twimlProblem) {
	if a.status == http.StatusNoContent {
		return nil, nil
	}
	if len(a.body) > webhookAnswer {
		return nil, []twimlProblem{{"error", codeTooLarge, "the answer is larger than 64 KiB"}}
	}
	if len(bytes.TrimSpace(a.body)) == 0 {
		return nil, []twimlProblem{{"error", codeParseFailure, "the answer is empty: answer 204 or an empty Response"}}
	}
	if media, _, err := mime.ParseMediaType(a.contentType); err == nil && media == "text/plain" {
		if utf8.RuneCount(a.body) > maxBody {
			return nil, []twimlProblem{tooLong}
		}
		return []twimlText{{body: string(a.body)}}, nil
	}
	texts, problems, err := parseTwiML(a.body)
	if err != nil {
		return nil, []twimlProblem{{"error", codeParseFailure, "the answer is not a TwiML document"}}
	}
	return texts, problems
}

func parseTwiML(document []byte) (texts []twimlText, problems []twimlProblem, err error) {
	d := xml.NewDecoder(bytes.NewReader(document))
	inside, finished := false, false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			if !finished {
				return nil, nil, errDocument
			}
			return texts, problems, nil
		}
		if err != nil {
			return nil, nil, err
		}
		switch t := token.(type) {
		case xml.EndElement: // the verbs' own ends are read with them
			inside, finished = false, true
		case xml.CharData:
			if !inside && len(bytes.TrimSpace(t)) > 0 {
				return nil, nil, errDocument
			}
		case xml.StartElement:
			switch {
			case finished || !inside && t.Name.Local != "Response":
				return nil, nil, errDocument
			case !inside:
				inside = true
			case t.Name.Local == "Message":
				text, err := readMessage(d, t)
				if err != nil {
					return nil, nil, err
				}
				if text.body == "" || utf8.RuneCountInString(text.body) > maxBody {
					problems = append(problems, tooLong)
					continue
				}
				texts = append(texts, text)
			default:
				problems = append(problems, twimlProblem{"warning", codeSchema, "a verb that the simulator does not know"})
				if err := d.Skip(); err != nil {
					return nil, nil, err
				}
			}
		}
	}
}

// readMessage reads a Message verb: its text stands in it or in a Body.
func readMessage(d *xml.Decoder, start xml.StartElement) (twimlText, error) {
	var verb struct {
		Text string   `xml:",chardata"`
		Body []string `xml:"Body"`
	}
	if err := d.DecodeElement(&verb, &start); err != nil {
		return twimlText{}, err
	}
	text := twimlText{body: strings.TrimSpace(verb.Text + strings.Join(verb.Body, ""))}
	for _, a := range start.Attr {
		if a.Name.Local == "to" {
			text.to = a.Value
		}
	}
	return text, nil
}
