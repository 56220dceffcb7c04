package twilio

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	api "github.com/twilio/twilio-go/rest/api/v2010"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
)

// A Number is one of our own numbers as the account has it.
type Number struct {
	Number    string // E.164
	Owned     bool   // the account has it
	Texts     bool   // it can send and take texts
	Calls     bool
	InboundOK bool // texts to it reach the webhook of this deployment
}

// Account asks the vendor whether the credentials are right and the account may send: nil when it may. Otherwise the outcome says why, as that of
// a message would.
func (c *Client) Account(ctx context.Context) *notifier.Failed {
	service, seen := c.service(ctx)
	account, err := service.FetchAccount(c.opts.AccountSID)
	if err != nil || !seen.Success() {
		return failed(failure(seen, err))
	}
	if status := value(account.Status); status != "active" {
		return &notifier.Failed{Kind: request.FailedConfig, Code: "account_" + status}
	}
	return nil
}

func failed(o notifier.Outcome) *notifier.Failed {
	if f, ok := o.(notifier.Failed); ok {
		return &f
	}
	return nil
}

// Abilities asks the vendor what each of our numbers can do. The error says that it did not answer, and why; it quotes no number.
func (c *Client) Abilities(ctx context.Context) ([]Number, error) {
	numbers := make([]Number, 0, len(c.opts.Numbers))
	for _, n := range c.opts.Numbers {
		service, seen := c.service(ctx)
		params := &api.ListIncomingPhoneNumberParams{}
		params.SetPhoneNumber(n)
		page, err := service.PageIncomingPhoneNumber(params, "", "")
		if err != nil || !seen.Success() {
			return nil, fmt.Errorf("ask the provider for a number: %s", failed(failure(seen, err)).Code)
		}
		numbers = append(numbers, c.ability(n, page.IncomingPhoneNumbers))
	}
	return numbers, nil
}

func (c *Client) ability(number string, found []api.ApiV2010IncomingPhoneNumber) Number {
	of := Number{Number: number}
	for _, n := range found {
		if value(n.PhoneNumber) != number {
			continue
		}
		of.Owned = true
		if can := n.Capabilities; can != nil {
			of.Texts, of.Calls = can.Sms, can.Voice
		}
		address, _, _ := strings.Cut(value(n.SmsUrl), "#")
		of.InboundOK = value(n.SmsApplicationSid) != "" || (address == c.public+InboundPath && (value(n.SmsMethod) == "" || value(n.SmsMethod) == http.MethodPost))
	}
	return of
}
