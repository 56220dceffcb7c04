package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// The errors of the library name addresses: none of them goes further than this file.

// refused is what came of a call that ended before the message was begun: nothing of it is with the server. What a server answers for good so
// early, it answers to everybody: it is the configuration.
func refused(ctx context.Context, err error) notifier.Failed {
	if answer, ok := errors.AsType[*textproto.Error](err); ok {
		f := notifier.Failed{Kind: request.FailedConfig, Code: code(answer.Code, "")}
		if answer.Code < 500 {
			f.Kind = request.FailedForNow
		}
		return f
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return notifier.Failed{Kind: request.FailedConfig, Code: "certificate"}
	}
	_, plain := errors.AsType[tls.RecordHeaderError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	switch {
	case plain || alert:
		return notifier.Failed{Kind: request.FailedConfig, Code: "no_tls"}
	case ctx.Err() != nil || broken(err):
		return notifier.Failed{Kind: request.FailedForNow, Code: word(ctx)}
	default: // the library's own refusal: the server offers no STARTTLS, or none of our ways to sign in
		return notifier.Failed{Kind: request.FailedConfig, Code: "not_offered"}
	}
}

// broken reports whether an error is of the connection, or of a server that speaks no SMTP.
func broken(err error) bool {
	_, network := errors.AsType[net.Error](err)
	_, unreadable := errors.AsType[textproto.ProtocolError](err)
	return network || unreadable || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// word is the code of a failure that no server gave one.
func word(ctx context.Context) string {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return "timeout"
	}
	return "connection"
}

// failed is what came of a message that was begun.
func failed(ctx context.Context, err error) notifier.Failed {
	of, ok := errors.AsType[*gomail.SendError](err)
	if !ok {
		return notifier.Failed{Kind: request.FailedUnknown, Code: word(ctx)}
	}
	f := notifier.Failed{Kind: request.FailedForNow, Code: code(of.ErrorCode(), of.EnhancedStatusCode())}
	switch status := of.ErrorCode(); {
	case status == 0:
		f.Code = word(ctx)
		if of.Reason == gomail.ErrSMTPDataClose || of.Reason == gomail.ErrWriteContent { // no answer to the message itself: it may be there
			f.Kind = request.FailedUnknown
		}
	case status >= 500:
		f.Kind = verdict(status, of.EnhancedStatusCode(), of.Reason == gomail.ErrSMTPRcptTo)
	}
	return f
}

// ofMailbox are the replies to a recipient that are about it when no enhanced code says more (RFC 5321 4.2, RFC 7504). Do not modify.
var ofMailbox = map[int]bool{521: true, 550: true, 551: true, 552: true, 553: true, 554: true, 556: true}

// verdict says whose fault a reply is that will not change: the recipient's, or that of our account, address or text. The subject of an
// enhanced code says it best (RFC 3463): 1 addresses, 2 mailboxes, 4 routing; 7 is policy, as a refused sign-in or relay.
func verdict(status int, enhanced string, toRecipient bool) request.FailureKind {
	_, detail, _ := strings.Cut(enhanced, ".")
	subject, number, _ := strings.Cut(detail, ".")
	recipient := toRecipient && ofMailbox[status]
	switch subject {
	case "1":
		recipient = number != "7" && number != "8" // those are the sender's
	case "2", "4":
		recipient = true
	case "3", "5", "6", "7":
		recipient = false
	default: // 0 and no code say nothing
	}
	if recipient {
		return request.FailedForGood
	}
	return request.FailedConfig
}

// code is a reply as events have it: smtp_550_5_1_1.
func code(status int, enhanced string) string {
	text := Name + "_" + strconv.Itoa(status)
	if enhanced != "" {
		text += "_" + strings.ReplaceAll(enhanced, ".", "_")
	}
	return text
}
