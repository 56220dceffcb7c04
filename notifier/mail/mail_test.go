package mail_test

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/notifier/mail"
	"github.com/dutyline/dutyline/notifier/mail/mailtest"
	"github.com/dutyline/dutyline/notifier/notifiertest"
	"github.com/dutyline/dutyline/phrase"
	"github.com/dutyline/dutyline/request"
)

// domain is that of everybody's mailbox. The suite speaks of telephone numbers.
const domain = "@officers.example"

// numbered is a channel to mailboxes that are named by numbers.
type numbered struct{ notifier.Channel }

func (numbered) mailbox(m notifier.Message) notifier.Message {
	if strings.HasPrefix(string(m.To), "+") {
		m.To += domain
	}
	return m
}

func (c numbered) Send(ctx context.Context, m notifier.Message) notifier.Outcome {
	return c.Channel.Send(ctx, c.mailbox(m))
}

func (c numbered) Find(ctx context.Context, m notifier.Message) notifier.Outcome {
	return c.Channel.Find(ctx, c.mailbox(m))
}

// provider is the server as the suite knows it.
type provider struct {
	*mailtest.Server
	t       *testing.T
	channel notifier.Channel
}

func (p provider) Channel() notifier.Channel { return p.channel }

// Arrived is what recipients read, subjects included.
func (p provider) Arrived() []notifiertest.Arrival {
	var list []notifiertest.Arrival
	for _, l := range p.Letters() {
		m, body := read(p.t, l)
		list = append(list, notifiertest.Arrival{
			To: notifier.Phone(strings.TrimSuffix(l.To, domain)), Text: subject(p.t, m) + "\n" + body,
			ProviderID: strings.Trim(m.Header.Get("Message-Id"), "<>"),
		})
	}
	return list
}

// read takes a letter apart.
func read(t *testing.T, l mailtest.Letter) (*netmail.Message, string) {
	t.Helper()
	m, err := netmail.ReadMessage(strings.NewReader(l.Raw))
	if err != nil {
		t.Fatal(err)
	}
	return m, decoded(t, m)
}

func subject(t *testing.T, m *netmail.Message) string {
	t.Helper()
	text, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func decoded(t *testing.T, m *netmail.Message) string {
	t.Helper()
	if encoding := m.Header.Get("Content-Transfer-Encoding"); encoding != "quoted-printable" {
		t.Fatalf("encoding %q", encoding)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(body), "\r\n", "\n")
}

func TestChannelConforms(t *testing.T) {
	for _, way := range []mail.TLS{mail.STARTTLS, mail.Implicit} {
		t.Run(string(way), func(t *testing.T) {
			notifiertest.Exercise(t, notifiertest.Harness{
				New: func(t *testing.T) notifiertest.Provider {
					s := mailtest.New(t, mailtest.Setting{TLS: way})
					return provider{s, t, numbered{s.Channel()}}
				},
				NoLookUp: true, Certain: true,
			})
		})
	}
}

func ask() notifier.Message {
	return notifier.Message{
		Ref: "7K4M2QX9D", Page: "p3", Attempt: "p3a1", About: notifier.AskToTake, To: "ada@officers.example", Urgency: request.Critical,
		Language: "pt-BR", Reader: "en", Code: "424242", Status: []byte(`{"facts":"a secret of the case"}`), Others: []string{"CA-another-call"},
		Expires: time.Now().Add(time.Minute),
	}
}

// within is time enough for a call that ends by itself.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func mustFail(t *testing.T, o notifier.Outcome, kind request.FailureKind, code string) {
	t.Helper()
	if got, ok := o.(notifier.Failed); !ok || got != (notifier.Failed{Kind: kind, Code: code}) {
		t.Errorf("%#v, want %s %s", o, kind, code)
	}
}

func TestALetterIsPlainTextThatNoProgramAnswers(t *testing.T) {
	s := mailtest.New(t, mailtest.Setting{})
	m := ask()
	if got := s.Channel().Send(within(t), m); got != (notifier.Accepted{ProviderID: "7K4M2QX9D.p3@contact-point.example"}) {
		t.Fatalf("%#v", got)
	}
	taken := s.Letters()
	if len(taken) != 1 || taken[0].From != "dutyline@contact-point.example" || taken[0].To != "ada@officers.example" {
		t.Fatalf("%+v", taken)
	}
	letter, body := read(t, taken[0])
	for name, want := range map[string]string{
		"From": `"Dutyline" <dutyline@contact-point.example>`, "To": "<ada@officers.example>", "Subject": "Dutyline CRITICAL 7K4M-2QX9-D, language pt",
		"Message-Id": "<7K4M2QX9D.p3@contact-point.example>", "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All",
		"Content-Type": "text/plain; charset=UTF-8", "Content-Language": "en", "Importance": "high", "Mime-Version": "1.0",
	} {
		if got := letter.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	known := []string{
		"From", "To", "Subject", "Message-Id", "Auto-Submitted", "X-Auto-Response-Suppress", "Content-Type", "Content-Language", "Importance", "Mime-Version",
		"Date", "Content-Transfer-Encoding", "Priority", "X-Priority", "X-Msmail-Priority",
	}
	for name := range letter.Header {
		if !slices.Contains(known, name) {
			t.Errorf("a header that nobody needs, and that may ask for a receipt or tell of us: %s: %s", name, letter.Header.Get(name))
		}
	}
	want := phrase.Text(phrase.English, phrase.MailAsk, phrase.Args{Reference: "7K4M-2QX9-D", Urgency: "critical", Language: "pt"})
	if strings.TrimSpace(body) != want {
		t.Errorf("body %q, want %q", body, want)
	}
}

func TestNothingOfTheCaseAndNoCodeIsInALetter(t *testing.T) {
	s := mailtest.New(t, mailtest.Setting{})
	for _, reader := range request.Languages {
		for _, about := range []notifier.About{notifier.AskToTake, notifier.AskToLookAfter, notifier.TellWithdrawn} {
			m := ask()
			m.Reader, m.About, m.Alarm, m.Page = reader, about, request.AlarmUnanswered, "p"+string(about)
			if _, ok := s.Channel().Send(within(t), m).(notifier.Accepted); !ok {
				t.Fatalf("%s %s is not taken", reader, about)
			}
		}
	}
	for _, l := range s.Letters() {
		letter, body := read(t, l)
		for _, secret := range []string{"424242", "secret", "case content", "CA-another", "http", "<html", "p3a1"} {
			if strings.Contains(l.Raw, secret) || strings.Contains(body, secret) || strings.Contains(subject(t, letter), secret) {
				t.Errorf("a letter has %q:\n%s\n%s", secret, l.Raw, body)
			}
		}
	}
}

func TestEveryLanguageSaysWhereToAnswer(t *testing.T) {
	s := mailtest.New(t, mailtest.Setting{})
	for i, l := range phrase.Languages {
		m := ask()
		m.Reader, m.About, m.Alarm = string(l), notifier.AskToLookAfter, request.AlarmUnanswered
		if _, ok := s.Channel().Send(within(t), m).(notifier.Accepted); !ok {
			t.Fatalf("%s is not taken", l)
		}
		letter, body := read(t, s.Letters()[i])
		args := phrase.Args{Reference: "7K4M-2QX9-D", Alarm: "unanswered"}
		if want := phrase.Text(l, phrase.MailAlarm, args); strings.TrimSpace(body) != want || subject(t, letter) != phrase.Text(l, phrase.MailAlarmSubject, args) {
			t.Errorf("%s: %q\n%q, want %q", l, subject(t, letter), body, want)
		}
	}
}

func TestAnAttemptThatIsRepeatedHasTheSameMessageID(t *testing.T) {
	s := mailtest.New(t, mailtest.Setting{})
	s.Behave(notifiertest.LoseAnswer)
	mustFail(t, s.Channel().Send(within(t), ask()), request.FailedUnknown, "connection")
	s.Behave(notifiertest.Accept)
	again := ask()
	again.Attempt = "p3a2"
	s.Channel().Send(within(t), again)
	taken := s.Letters()
	first, _ := read(t, taken[0])
	second, _ := read(t, taken[1])
	if len(taken) != 2 || first.Header.Get("Message-Id") != second.Header.Get("Message-Id") {
		t.Errorf("%d taken, %s and %s", len(taken), first.Header.Get("Message-Id"), second.Header.Get("Message-Id"))
	}
}

func TestReplies(t *testing.T) {
	none := smtp.EnhancedCode{}
	for _, c := range []struct {
		stage    string
		status   int
		enhanced smtp.EnhancedCode
		want     request.FailureKind
		code     string
	}{
		{"auth", 535, smtp.EnhancedCode{5, 7, 8}, request.FailedConfig, "smtp_535"},
		{"auth", 534, smtp.EnhancedCode{5, 7, 9}, request.FailedConfig, "smtp_534"},
		{"auth", 454, smtp.EnhancedCode{4, 7, 0}, request.FailedForNow, "smtp_454"},
		{"auth", 421, smtp.EnhancedCode{4, 3, 0}, request.FailedForNow, "smtp_421"},
		{"mail", 530, smtp.EnhancedCode{5, 7, 0}, request.FailedConfig, "smtp_530_5_7_0"},
		{"mail", 553, smtp.EnhancedCode{5, 1, 8}, request.FailedConfig, "smtp_553_5_1_8"},
		{"mail", 550, none, request.FailedConfig, "smtp_550_5_0_0"},
		{"mail", 452, smtp.EnhancedCode{4, 3, 1}, request.FailedForNow, "smtp_452_4_3_1"},
		{"rcpt", 451, smtp.EnhancedCode{4, 7, 1}, request.FailedForNow, "smtp_451_4_7_1"}, // greylisting
		{"rcpt", 450, smtp.EnhancedCode{4, 2, 1}, request.FailedForNow, "smtp_450_4_2_1"},
		{"rcpt", 452, smtp.EnhancedCode{4, 2, 2}, request.FailedForNow, "smtp_452_4_2_2"},
		{"rcpt", 550, smtp.EnhancedCode{5, 1, 1}, request.FailedForGood, "smtp_550_5_1_1"},
		{"rcpt", 550, none, request.FailedForGood, "smtp_550_5_0_0"},
		{"rcpt", 551, none, request.FailedForGood, "smtp_551_5_0_0"},
		{"rcpt", 552, smtp.EnhancedCode{5, 2, 2}, request.FailedForGood, "smtp_552_5_2_2"},
		{"rcpt", 553, smtp.EnhancedCode{5, 1, 3}, request.FailedForGood, "smtp_553_5_1_3"},
		{"rcpt", 550, smtp.EnhancedCode{5, 4, 4}, request.FailedForGood, "smtp_550_5_4_4"},
		{"rcpt", 556, smtp.EnhancedCode{5, 1, 10}, request.FailedForGood, "smtp_556_5_1_10"},
		{"rcpt", 554, smtp.EnhancedCode{5, 7, 1}, request.FailedConfig, "smtp_554_5_7_1"}, // relay access denied
		{"rcpt", 553, smtp.EnhancedCode{5, 7, 1}, request.FailedConfig, "smtp_553_5_7_1"}, // the sender is not ours
		{"rcpt", 530, smtp.EnhancedCode{5, 7, 0}, request.FailedConfig, "smtp_530_5_7_0"},
		{"rcpt", 503, smtp.EnhancedCode{5, 5, 1}, request.FailedConfig, "smtp_503_5_5_1"},
		{"data", 451, smtp.EnhancedCode{4, 3, 0}, request.FailedForNow, "smtp_451_4_3_0"},
		{"data", 421, smtp.EnhancedCode{4, 3, 2}, request.FailedForNow, "smtp_421_4_3_2"},
		{"data", 554, smtp.EnhancedCode{5, 7, 1}, request.FailedConfig, "smtp_554_5_7_1"}, // taken for spam
		{"data", 552, smtp.EnhancedCode{5, 3, 4}, request.FailedConfig, "smtp_552_5_3_4"},
		{"data", 550, smtp.EnhancedCode{5, 1, 1}, request.FailedForGood, "smtp_550_5_1_1"}, // checked late
		{"data", 554, none, request.FailedConfig, "smtp_554_5_0_0"},
	} {
		t.Run(c.stage+" "+c.code, func(t *testing.T) {
			s := mailtest.New(t, mailtest.Setting{})
			s.Reply(c.stage, &smtp.SMTPError{Code: c.status, EnhancedCode: c.enhanced, Message: "ada@officers.example is not welcome"})
			mustFail(t, s.Channel().Send(within(t), ask()), c.want, c.code)
			if n := len(s.Letters()); n != 0 {
				t.Errorf("%d taken", n)
			}
		})
	}
}

func TestWhatEndsAfterTheMessageBeganMayHaveArrived(t *testing.T) {
	s := mailtest.New(t, mailtest.Setting{})
	s.Cut()
	mustFail(t, s.Channel().Send(within(t), ask()), request.FailedUnknown, "connection")
	s = mailtest.New(t, mailtest.Setting{})
	s.Behave(notifiertest.Hang)
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	mustFail(t, s.Channel().Send(short, ask()), request.FailedUnknown, "timeout")
}

// A server that takes the call and never says a word has nothing of the message.
func TestAServerThatSaysNothingHasNothing(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	for _, way := range []mail.TLS{mail.STARTTLS, mail.Implicit} {
		o := mailtest.New(t, mailtest.Setting{TLS: way}).Options
		o.Dial = to(silent.Addr().String())
		channel, err := mail.New(o)
		if err != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		mustFail(t, channel.Send(short, ask()), request.FailedForNow, "timeout")
	}
}

func to(address string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
}

func TestNothingIsToldToAServerThatCannotBeVerified(t *testing.T) {
	other := mailtest.NewAuthority(t)
	soon := time.Now().Add(time.Hour)
	for _, way := range []mail.TLS{mail.STARTTLS, mail.Implicit} {
		for what, change := range map[string]func(s *mailtest.Setting, o *mail.Options){
			"by nobody we trust": func(s *mailtest.Setting, _ *mail.Options) {
				c := other.Certificate(t, mailtest.Host, soon)
				s.Certificate = &c
			},
			"of another name": func(s *mailtest.Setting, o *mail.Options) {
				c := other.Certificate(t, "other.example.org", soon)
				s.Certificate, o.CAFile = &c, other.File
			},
			"expired": func(s *mailtest.Setting, o *mail.Options) {
				c := other.Certificate(t, mailtest.Host, time.Now().Add(-time.Minute))
				s.Certificate, o.CAFile = &c, other.File
			},
		} {
			t.Run(string(way)+" "+what, func(t *testing.T) {
				s, o := mailtest.Setting{TLS: way}, mail.Options{}
				change(&s, &o)
				sv := mailtest.New(t, s)
				if o.CAFile != "" {
					sv.Options.CAFile = o.CAFile
				}
				channel, err := mail.New(sv.Options)
				if err != nil {
					t.Fatal(err)
				}
				mustFail(t, channel.Send(within(t), ask()), request.FailedConfig, "certificate")
				if sv.SignIns() != 0 || len(sv.Letters()) != 0 {
					t.Errorf("it was told a password %d times, and %d messages", sv.SignIns(), len(sv.Letters()))
				}
			})
		}
	}
}

func TestNothingGoesOutWithoutTLS(t *testing.T) {
	for way, code := range map[mail.TLS]string{mail.STARTTLS: "not_offered", mail.Implicit: "no_tls"} {
		s := mailtest.New(t, mailtest.Setting{TLS: way, Plain: true})
		mustFail(t, s.Channel().Send(within(t), ask()), request.FailedConfig, code)
		if s.SignIns() != 0 || len(s.Letters()) != 0 {
			t.Errorf("%s: it was told a password %d times, and %d messages", way, s.SignIns(), len(s.Letters()))
		}
	}
}

func TestAServerThatOffersNoWayToSignInIsTheConfiguration(t *testing.T) {
	for _, offered := range [][]string{{"GSSAPI"}, {}} {
		s := mailtest.New(t, mailtest.Setting{Mechanisms: offered})
		mustFail(t, s.Channel().Send(within(t), ask()), request.FailedConfig, "not_offered")
	}
}

func TestOnlyAnAddressAloneIsWrittenTo(t *testing.T) {
	s := mailtest.New(t, mailtest.Setting{})
	for _, address := range []string{
		"", "ada", "@officers.example", "ada@", "Ada <ada@officers.example>", "<ada@officers.example>", "ada@officers.example, bruno@officers.example",
		"ada@officers.example\r\nBcc: x@y.example", "ada @officers.example", "адa@officers.example", "+15005550100",
	} {
		m := ask()
		m.To = notifier.Phone(address)
		mustFail(t, s.Channel().Send(within(t), m), request.FailedForGood, "no_address")
	}
	if len(s.Letters()) != 0 || s.SignIns() != 0 {
		t.Error("the server was called")
	}
}

func TestOptionsAreCheckedTogether(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		options mail.Options
		want    []string
	}{
		"nothing":    {mail.Options{}, []string{"mail.host", "mail.from"}},
		"no TLS":     {mail.Options{Host: mailtest.Host, From: mailtest.From, TLS: "none"}, []string{"mail.tls"}},
		"everything": {mail.Options{Host: "smtp://x", Port: 70000, Username: "u", From: "nobody", CAFile: empty}, []string{"mail.host", "mail.port", "mail.username", "mail.from", "mail.ca_file"}},
		"no file":    {mail.Options{Host: mailtest.Host, From: mailtest.From, CAFile: empty + "x", Password: "sesame"}, []string{"mail.username", "mail.ca_file"}},
	} {
		_, err := mail.New(c.options)
		if err == nil {
			t.Fatalf("%s: taken", name)
		}
		var got []string
		for line := range strings.SplitSeq(err.Error(), "\n") {
			key, _, _ := strings.Cut(line, ":")
			key, _, _ = strings.Cut(key, ",")
			got = append(got, key)
		}
		if !slices.Equal(got, c.want) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if c.options.CAFile == empty+"x" && !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v does not say why", name, err)
		}
	}
	if _, err := mail.New(mail.Options{Host: mailtest.Host, From: "dutyline@contact-point.example"}); err != nil {
		t.Errorf("the least that is needed: %v", err)
	}
}
