package scenario_test

import (
	"encoding/json"
	"io"
	"mime/quotedprintable"
	"net/http"
	"net/mail"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"github.com/dutyline/dutyline/config"
	"github.com/dutyline/dutyline/notifier/mail/mailtest"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// An e-mail goes out beside the text, from a whole node to a server by other people, over TLS. It says nothing of the case and carries no code, and
// its address is in nothing that could be seen from outside, the server's refusals that quote it included.
func TestAnEMailGoesOutBesideTheTextAndSaysNothing(t *testing.T) {
	server := mailtest.New(t, mailtest.Setting{Host: "localhost"})
	l := startLine(t, func(c *config.Config) {
		o := server.Options
		c.Mail = config.Mail{Host: o.Host, Port: o.Port, Username: o.Username, Password: config.Secret(o.Password), From: o.From, CAFile: o.CAFile}
	})
	status, data := l.call(http.MethodGet, "/api/v1/roster", l.started.Tokens.Coordinator, nil)
	var book roster.Book
	if err := json.Unmarshal(data, &book); err != nil || status != http.StatusOK {
		t.Fatalf("roster: %d %s", status, data)
	}
	all := secrets(book)
	addresses := map[string]string{}
	for i := range book.People {
		p := &book.People[i]
		addresses[p.ID] = p.ID + ".quirinius@zebulon.example"
		p.Contacts = append(p.Contacts, roster.Contact{ID: "mail", Channel: roster.Email, Address: addresses[p.ID]})
	}
	at := []string{"If-Match", strconv.Quote(strconv.FormatUint(book.Revision, 10))}
	if status, data = l.call(http.MethodPut, "/api/v1/roster", l.started.Tokens.Coordinator, edit{book, "mailboxes"}, at...); status/100 != 2 {
		t.Fatalf("edit: %d %s", status, data)
	}

	ref := l.raise(filled(request.EmergencyDisclosure))
	l.until("an e-mail to each of the two", func() bool { return len(server.Letters()) == 2 })
	l.until("a text to each of the two", func() bool { return l.texts(ada, ref) > 0 && l.texts(bruno, ref) > 0 })
	text := lineWith(l.phone(ada), ref.String())
	all = append(all, secretOf("the code of the text", lastCode(text)))
	to := map[string]bool{}
	for _, letter := range server.Letters() {
		to[letter.To] = true
		m, err := mail.ReadMessage(strings.NewReader(letter.Raw))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
		if err != nil || !strings.Contains(string(body), ref.String()) {
			t.Errorf("a letter without its reference: %s, %v", body, err)
		}
		if code := regexp.MustCompile(`\b\d{6}\b`).FindString(string(body)); code != "" {
			t.Errorf("a letter with a code: %s", body)
		}
		for _, leak := range append(leaks("letter", letter.Raw, all), leaks("body", string(body), all)...) {
			t.Error(leak)
		}
	}
	if !to[addresses["ada"]] || !to[addresses["bruno"]] {
		t.Errorf("written to %v", to)
	}

	server.Reply("rcpt", &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: addresses["ada"] + " does not live here"})
	refused := l.raise(filled(request.Preservation))
	l.until("the refusals", func() bool { return strings.Count(l.eventsOf(refused), "smtp_550_5_1_1") == 2 })
	events := l.eventsOf(ref) + l.eventsOf(refused)
	l.stop()
	for where, seen := range map[string]string{"log": l.logs.String(), "events": events, "headers": l.headers.String()} {
		for _, address := range addresses {
			for _, leak := range leaks(where, seen, []secret{secretOf("an address", address), secretOf("an address", strings.TrimSuffix(address, "@zebulon.example"))}) {
				t.Error(leak)
			}
		}
	}
	if logs := l.logs.String(); !strings.Contains(logs, "smtp_550_5_1_1") || strings.Contains(logs, mailtest.Password) {
		t.Error("the refusal is in no log line, or the password is in one")
	}
}
