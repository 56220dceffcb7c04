package vonage

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/telephone"
	"github.com/dutyline/dutyline/phrase"
)

// storing bounds a decision: whoever pressed a key is listening, and the vendor waits for 5 s in all.
const storing = 4 * time.Second

// voices are the vendor's names of the languages; each speaks with its first voice.
var voices = map[phrase.Language]string{
	phrase.English: "en-GB", phrase.French: "fr-FR", phrase.Spanish: "es-ES", phrase.Russian: "ru-RU", phrase.Arabic: "ar", phrase.Chinese: "cmn-CN",
}

// address is where the vendor asks for what comes next. All of the question stands in it, with a mark that nobody else can make.
func (c *Client) address(path string, q telephone.Question) string {
	path += q.Path()
	query := q.Query()
	query.Set("mark", mark(c.secrets[0], path, q.Query()))
	return c.public + path + "?" + query.Encode()
}

// An action is a part of an NCCO, in which a call is told what to do.
type action struct {
	Action string `json:"action"`
	// of talk
	Text     string `json:"text,omitempty"`
	Language string `json:"language,omitempty"`
	BargeIn  bool   `json:"bargeIn,omitempty"` // a key ends the talk; an input must follow
	// of input
	Type        []string `json:"type,omitempty"`
	DTMF        *keys    `json:"dtmf,omitempty"`
	EventURL    []string `json:"eventUrl,omitempty"`
	EventMethod string   `json:"eventMethod,omitempty"`
}

// keys says which keys an input waits for.
type keys struct {
	MaxDigits    int  `json:"maxDigits"`
	TimeOut      int  `json:"timeOut"` // seconds
	SubmitOnHash bool `json:"submitOnHash"`
}

// speak is a turn as an NCCO. A call with nothing left to do ends.
func (c *Client) speak(t telephone.Turn) answer {
	var ncco []action
	for _, text := range t.Words {
		ncco = append(ncco, action{Action: "talk", Text: plain(text), Language: voices[t.Reader], BargeIn: t.Next != nil})
	}
	if t.Next != nil {
		ncco = append(ncco, action{
			Action: "input", Type: []string{"dtmf"}, DTMF: &keys{MaxDigits: t.Next.Keys(), TimeOut: int(t.Next.Wait().Seconds()), SubmitOnHash: true},
			EventURL: []string{c.address(inputPath, *t.Next)}, EventMethod: http.MethodPost,
		})
	}
	data, err := json.Marshal(ncco)
	if err != nil || ncco == nil {
		return stored
	}
	return answer{status: http.StatusOK, ncco: data}
}

// plain keeps a text from being taken for one with marks of speech in it.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune("<>&", r) {
			return ' '
		}
		return r
	}, text)
}

// heard answers what was keyed in, or silence, whatever happens.
func (c *Client) heard(ctx context.Context, q telephone.Question, e event, sink notifier.Sink) answer {
	ctx, cancel := context.WithTimeout(ctx, storing)
	defer cancel()
	press := notifier.KeyPress{Phone: notifier.Phone("+" + digits(e.To)), Provider: "vonage", ProviderID: e.call()}
	return c.speak(q.Heard(ctx, e.keys(), press, sink, c.opts.Logger))
}
