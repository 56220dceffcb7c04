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

var (
	tooLong   = twimlProblem{"error", codeSchema, "the text of a Message is empty or too long"}
	strayText = twimlProblem{"warning", codeSchema, "text that stands in no verb"}
)

const unknownVerb = "a verb that the simulator does not know"

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
	err = eachVerb(d, func(start xml.StartElement) error {
		if start.Name.Local != "Message" {
			problems = append(problems, twimlProblem{"warning", codeSchema, unknownVerb})
			return d.Skip()
		}
		text, err := readMessage(d, start)
		switch {
		case err != nil:
			return err
		case text.body == "" || utf8.RuneCountInString(text.body) > maxBody:
			problems = append(problems, tooLong)
		default:
			texts = append(texts, text)
		}
		return nil
	}, func() { problems = append(problems, strayText) })
	if err != nil {
		return nil, nil, err
	}
	return texts, problems, nil
}

// eachVerb reads a document and hands on what stands in its Response. Each verb reads its element to the end; text beside them is stray.
func eachVerb(d *xml.Decoder, verb func(xml.StartElement) error, stray func()) error {
	inside, finished := false, false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			if !finished {
				return errDocument
			}
			return nil
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.EndElement: // the verbs' own ends are read with them
			inside, finished = false, true
		case xml.CharData:
			switch {
			case len(bytes.TrimSpace(t)) == 0:
			case !inside:
				return errDocument
			default:
				stray()
			}
		case xml.StartElement:
			switch {
			case finished || !inside && t.Name.Local != "Response":
				return errDocument
			case !inside:
				inside = true
			default:
				if err := verb(t); err != nil {
					return err
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
