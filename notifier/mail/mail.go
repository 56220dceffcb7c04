package mail

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"os"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/phrase"
	"github.com/dutyline/dutyline/request"
)

// Name is the channel's name in events, and what its codes begin with.
const Name = "smtp"

// A TLS says when a connection becomes encrypted. It always does before anything is told.
type TLS string

// The ways.
const (
	STARTTLS TLS = "starttls" // the server must offer it
	Implicit TLS = "implicit" // from the first byte on
)

// ports are those of the ways, as RFC 8314 has them. Do not modify.
var ports = map[TLS]int{STARTTLS: 587, Implicit: 465}

// Options are what a channel is made with.
type Options struct {
	Host     string // of the server that takes messages in; its certificate carries this name
	Port     int    // 0: 587, with implicit TLS 465
	Username string // with Password; "" signs in as nobody
	Password string
	From     string // an address, with or without a name: who writes, and where what cannot be delivered comes back to
	TLS      TLS    // "": STARTTLS
	CAFile   string // PEM; the server's certificate is verified against these alone; "": those of the system

	Now  func() time.Time                                                     // the node's now; nil: the wall clock
	Dial func(ctx context.Context, network, address string) (net.Conn, error) // nil: as the system does
}

// A Channel hands e-mails to one server. It makes a connection for each, and is safe for concurrent use.
type Channel struct {
	opts Options
	from *netmail.Address
	tls  *tls.Config
}

var _ notifier.Channel = (*Channel)(nil)

// New checks the options and makes a channel. It makes no call. The error joins one for each option that is wrong; none quotes a secret.
func New(o Options) (*Channel, error) {
	o.TLS = cmp.Or(o.TLS, STARTTLS)
	o.Port = cmp.Or(o.Port, ports[o.TLS])
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{}).DialContext
	}
	c := &Channel{opts: o, tls: &tls.Config{ServerName: o.Host, MinVersion: tls.VersionTLS12}}
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if o.Host == "" || strings.ContainsAny(o.Host, "/@ ") {
		wrong("mail.host: the name of the server is needed, as in smtp.example.org")
	}
	if ports[o.TLS] == 0 {
		wrong("mail.tls: use starttls or implicit; nothing goes out without TLS")
	} else if o.Port < 1 || o.Port > 65535 {
		wrong("mail.port: a number from 1 to 65535 is needed")
	}
	if (o.Username == "") != (o.Password == "") {
		wrong("mail.username, mail.password: give both, or neither")
	}
	var err error
	if c.from, err = netmail.ParseAddress(o.From); err != nil || !ascii(c.from.Address) {
		wrong("mail.from: an address is needed, as in Dutyline <dutyline@example.org>")
	}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		c.tls.RootCAs = x509.NewCertPool()
		if err != nil {
			wrong("mail.ca_file: it cannot be read: %w", err)
		} else if !c.tls.RootCAs.AppendCertsFromPEM(pem) {
			wrong("mail.ca_file: it holds no certificate in PEM")
		}
	}
	return c, errors.Join(errs...)
}

func ascii(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

// Name is smtp.
func (*Channel) Name() string { return Name }

// Medium is email.
func (*Channel) Medium() string { return notifier.MediumEmail }

// Lane is the server.
func (c *Channel) Lane(notifier.Phone) string { return c.opts.Host }

// Find finds nothing: servers do not tell what they took.
func (*Channel) Find(context.Context, notifier.Message) notifier.Outcome { return notifier.NotFound{} }

// Send hands the message over. It is Accepted when the server has said so; it never tells more.
func (c *Channel) Send(ctx context.Context, m notifier.Message) notifier.Outcome {
	to, err := netmail.ParseAddress(string(m.To))
	if err != nil || to.Address != string(m.To) || !ascii(to.Address) {
		return notifier.Failed{Kind: request.FailedForGood, Code: "no_address"}
	}
	letter := c.letter(to, m)
	if letter == nil { // a later version's page
		return notifier.Failed{Kind: request.FailedConfig, Code: "no_words"}
	}
	if ctx.Err() != nil {
		return notifier.Failed{Kind: request.FailedForNow, Code: "timeout"}
	}
	return c.hand(ctx, letter, c.id(m))
}

// id is the same for every attempt of a page, and for no other page.
func (c *Channel) id(m notifier.Message) string {
	_, domain, _ := strings.Cut(c.from.Address, "@")
	return string(m.Ref) + "." + m.Page + "@" + domain
}

// words are the texts of an e-mail.
type words struct{ subject, body phrase.Key }

// letters are the words by what a message is about. Do not modify.
var letters = map[notifier.About]words{
	notifier.AskToTake:      {phrase.MailAskSubject, phrase.MailAsk},
	notifier.AskToLookAfter: {phrase.MailAlarmSubject, phrase.MailAlarm},
	notifier.TellWithdrawn:  {phrase.MailWithdrawnSubject, phrase.Withdrawn},
	notifier.TellOptedOut:   {phrase.MailContactSubject, phrase.MailContactStop},
	notifier.TellTextsFail:  {phrase.MailContactSubject, phrase.MailContactTexts},
	notifier.TellCallsFail:  {phrase.MailContactSubject, phrase.MailContactCalls},
}

// letter writes a message, nil when there are no words for what it is about.
func (c *Channel) letter(to *netmail.Address, m notifier.Message) *gomail.Msg {
	words, known := letters[m.About]
	if !known {
		return nil
	}
	l := phrase.Pick(m.Reader)
	args := phrase.Args{Reference: m.Ref.String(), Urgency: string(m.Urgency), Language: m.Language, Alarm: string(m.Alarm), Digits: m.Duty.Digits, Number: m.Duty.Number}
	letter := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	letter.FromMailAddress(c.from)
	letter.ToMailAddress(to)
	letter.Subject(phrase.Text(l, words.subject, args))
	letter.SetMessageIDWithValue(c.id(m))
	letter.SetDateWithValue(c.opts.Now())
	letter.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nobody's out-of-office answers it
	letter.SetGenHeader(gomail.HeaderXAutoResponseSuppress, "All")
	letter.SetGenHeader(gomail.HeaderContentLang, string(l))
	if m.About.Asks() && (m.Urgency == request.Emergency || m.Urgency == request.Critical) {
		letter.SetImportance(gomail.ImportanceHigh)
	}
	letter.SetBodyString(gomail.TypeTextPlain, phrase.Text(l, words.body, args)+"\n")
	return letter
}

const (
	// unbounded is how long a call may take whose context has no deadline.
	unbounded = time.Minute
	// goodbye is how long a server may take to answer that the call is over: by then it is known what came of it.
	goodbye = time.Second
)

// hand makes the call.
func (c *Channel) hand(ctx context.Context, letter *gomail.Msg, id string) notifier.Outcome {
	call, end := context.WithCancel(ctx)
	defer end() // and with it the connection
	var line net.Conn
	client, err := gomail.NewClient(c.opts.Host, c.options(call, &line)...)
	if err != nil { // of an option that New let through
		return notifier.Failed{Kind: request.FailedConfig, Code: "options"}
	}
	server, err := client.DialToSMTPClientWithContext(call)
	if err != nil {
		return refused(ctx, err)
	}
	err = client.SendWithSMTPClient(server, letter)
	if err != nil && !letter.IsDelivered() {
		return failed(ctx, err)
	}
	if line.SetDeadline(time.Now().Add(goodbye)) == nil {
		_ = client.CloseWithSMTPClient(server)
	}
	return notifier.Accepted{ProviderID: id}
}

// options are those of one call: the library keeps to no context once it has a connection, so the connection ends with call's.
func (c *Channel) options(call context.Context, line *net.Conn) []gomail.Option {
	most := unbounded
	if deadline, ok := call.Deadline(); ok {
		most = max(time.Until(deadline), 0) + time.Second // the context ends it first
	}
	options := []gomail.Option{
		gomail.WithPort(c.opts.Port), gomail.WithTLSPolicy(gomail.TLSMandatory), gomail.WithTLSConfig(c.tls), gomail.WithTimeout(most),
		gomail.WithoutNoop(),
		gomail.WithoutSMTPUTF8(), // addresses are ASCII: a server on the way that lacks it must not refuse
		gomail.WithDialContextFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
			plain, err := c.opts.Dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			*line = plain
			context.AfterFunc(call, func() { _ = plain.Close() })
			if c.opts.TLS == STARTTLS {
				return plain, nil
			}
			secured := tls.Client(plain, c.tls)
			return secured, secured.HandshakeContext(ctx)
		}),
	}
	if c.opts.TLS == Implicit {
		options = append(options, gomail.WithSSL())
	}
	if c.opts.Username != "" {
		options = append(options, gomail.WithUsername(c.opts.Username), gomail.WithPassword(c.opts.Password),
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin))
	}
	return options
}
