package phrase

import (
	"strings"
	"testing"
)

func TestEMailsSayWhatAnOfficerMustKnowAndNoCode(t *testing.T) {
	args := Args{Reference: "7K4M-2QX9-D", Urgency: "critical", Language: "pt-BR", Code: "123456", CallSign: "KESTREL", Alarm: "redis_away"}
	for _, l := range Languages {
		for key, wants := range map[Key][]string{
			MailAskSubject:       {"Dutyline", args.Reference, strings.ToUpper(urgency(l, "critical")), "pt"},
			MailAsk:              {args.Reference, strings.ToUpper(urgency(l, "critical")), "pt"},
			MailAlarmSubject:     {"Dutyline", args.Reference},
			MailAlarm:            {args.Reference, alarm(l, "redis_away")},
			MailWithdrawnSubject: {"Dutyline", args.Reference},
		} {
			text := Text(l, key, args)
			if !Has(key) || strings.ContainsAny(text, "{}") || strings.Contains(text, "://") || strings.Contains(text, args.Code) || strings.Contains(text, args.CallSign) {
				t.Errorf("%s %s has an empty place, a link, a code or a person, or is not in the files: %q", l, key, text)
			}
			for _, want := range wants {
				if !strings.Contains(text, want) {
					t.Errorf("%s %s: %q lacks %q", l, key, text, want)
				}
			}
			if strings.HasSuffix(string(key), "_subject") && strings.ContainsAny(text, "\r\n") {
				t.Errorf("%s %s: a subject is one line: %q", l, key, text)
			}
		}
	}
}
