package vonage

import "github.com/dutyline/dutyline/request"

// refusals says what the status of a text that was not taken means for a page (https://developer.vonage.com/en/messaging/sms/guides/troubleshooting-sms).
var refusals = map[string]request.FailureKind{
	"1":  request.FailedForNow,  // throttled
	"2":  request.FailedConfig,  // a parameter is missing
	"3":  request.FailedConfig,  // a parameter is invalid
	"4":  request.FailedConfig,  // credentials
	"5":  request.FailedUnknown, // an error of the platform while it processed the text
	"6":  request.FailedForGood, // it knows no such prefix
	"7":  request.FailedForGood, // the number is barred
	"8":  request.FailedConfig,  // the account is barred
	"9":  request.FailedConfig,  // no credit
	"10": request.FailedForNow,  // too many connections
	"11": request.FailedConfig,  // not enabled for this interface
	"12": request.FailedConfig,  // too long
	"14": request.FailedConfig,  // signature
	"15": request.FailedConfig,  // our number may not send there
	"22": request.FailedConfig,  // network code
	"23": request.FailedConfig,  // callback address
	"29": request.FailedConfig,  // an account in demo mode, and a number that is not on its list
	"32": request.FailedConfig,  // signed, and with a secret
	"33": request.FailedForGood, // the number is deactivated
}

// refusal is what a status means. One that is not in the table concerns what we sent: an operator must look.
func refusal(status string) request.FailureKind {
	if kind, ok := refusals[status]; ok {
		return kind
	}
	return request.FailedConfig
}

// receipts says what the error code of a delivery receipt means, of a text that was taken and then lost
// (https://developer.vonage.com/en/messaging/sms/guides/delivery-receipts).
var receipts = map[string]request.FailureKind{
	"1":  request.FailedCarrier, // no reason known
	"2":  request.FailedCarrier, // the phone is off, for now
	"3":  request.FailedForGood, // the number is not in use any more
	"4":  request.FailedForGood, // its owner barred texts
	"5":  request.FailedCarrier, // it was moved to another carrier, and is not found there
	"6":  request.FailedCarrier, // a filter
	"7":  request.FailedCarrier, // busy
	"8":  request.FailedCarrier, // network
	"9":  request.FailedForGood, // its owner wants no texts of ours
	"10": request.FailedConfig,  // something in the message is wrong
	"11": request.FailedCarrier, // no route
	"12": request.FailedForGood, // no such destination
	"13": request.FailedForGood, // age
	"14": request.FailedForGood, // barred by the carrier
	"15": request.FailedCarrier, // no credit on the phone
	"50": request.FailedConfig,  // rules of a country: entity
	"51": request.FailedConfig,  // the same: sender
	"52": request.FailedConfig,  // the same: content
	"53": request.FailedConfig,  // the same: consent
	"54": request.FailedConfig,  // the same: others
	"99": request.FailedCarrier, // route
}

// details says what the detail of a call's end means, where it was not placed or not taken
// (https://developer.vonage.com/en/voice/voice-api/webhook-reference).
var details = map[string]request.FailureKind{
	"invalid_number":        request.FailedForGood,
	"cannot_route":          request.FailedForGood, // a country that is not enabled
	"number_out_of_service": request.FailedForGood,
	"declined":              request.FailedNoKey, // whoever was called did not take it: call again
	"restricted":            request.FailedCarrier,
	"internal_error":        request.FailedCarrier,
}
