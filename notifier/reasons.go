package notifier

import "github.com/dutyline/dutyline/request"

// reasons say what providers' codes of failures for good mean for whoever has the telephone, by provider. A code that is not here says no more than
// that: request.WhyRefused. Do not modify.
var reasons = map[string]map[string]request.Why{
	"twilio": invert(map[request.Why][]string{
		request.WhyOptedOut: {"21610"},
		request.WhyNoNumber: {"21211", "21214", "21217", "21614", "21635", "30005", "30006", "13223", "13224", "13225", "13226", "no_number"},
		request.WhyBlocked:  {"30004"},
		request.WhyCountry:  {"21408", "21215", "13227", "21216", "21612", "32224"},
	}),
	"vonage": invert(map[request.Why][]string{
		request.WhyOptedOut: {"dlr_9"},
		request.WhyNoNumber: {"sms_6", "sms_33", "dlr_3", "dlr_12", "invalid_number", "number_out_of_service", "no_number"},
		request.WhyBlocked:  {"sms_7", "dlr_4", "dlr_13", "dlr_14"},
		request.WhyCountry:  {"cannot_route"},
	}),
}

func invert(lists map[request.Why][]string) map[string]request.Why {
	all := map[string]request.Why{}
	for why, codes := range lists {
		for _, code := range codes {
			all[code] = why
		}
	}
	return all
}

// WhyFailed is what the code of a failure for good means for whoever has the telephone.
func WhyFailed(provider, code string) request.Why {
	if why, known := reasons[provider][code]; known {
		return why
	}
	return request.WhyRefused
}
