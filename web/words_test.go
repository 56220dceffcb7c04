package web

import (
	"embed"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/dutyline/dutyline/door"
	"github.com/dutyline/dutyline/phrase"
	"github.com/dutyline/dutyline/request"
)

func TestEveryWordOfThePagesExists(t *testing.T) {
	var names []string
	literal := regexp.MustCompile(`\bt "([a-z_]+)"|word\([^,]+, "([a-z_]+)"\)`)
	collect := func(files fs.FS, pattern string) {
		paths, err := fs.Glob(files, pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %v %v", pattern, paths, err)
		}
		for _, path := range paths {
			data, _ := fs.ReadFile(files, path)
			for _, m := range literal.FindAllStringSubmatch(string(data), -1) {
				names = append(names, m[1]+m[2])
			}
		}
	}
	collect(assets, "assets/*.html")
	collect(sources, "*.go")
	if len(names) < 30 {
		t.Fatalf("only %d words found", len(names))
	}
	for _, u := range request.Urgencies {
		names = append(names, "urgency_"+string(u))
	}
	for _, x := range request.Types {
		names = append(names, "type_"+string(x))
	}
	for _, e := range []request.Escalation{request.Running, request.Stopped, request.Exhausted} {
		names = append(names, "escalation_"+string(e))
	}
	for _, why := range []request.Why{request.WhyOptedOut, request.WhyNoNumber, request.WhyBlocked, request.WhyCountry, request.WhyRefused, request.WhyCarrier} {
		names = append(names, "failing_why_"+string(why))
	}
	names = append(names, "failing_sms", "failing_voice", "failing_other_sms", "failing_other_voice", "failing_other_none")
	for c := range door.Kinds {
		names = append(names, problemWord(c))
	}
	for _, name := range names {
		if name != "" && !phrase.Has(phrase.Key(name)) {
			t.Errorf("there is no text of %s", name)
		}
	}
	if got := word(phrase.French, "status_"+"partly_answered"); got != "partly answered" || strings.Contains(got, "_") {
		t.Errorf("a status of a later version reads %q", got)
	}
}

//go:embed *.go
var sources embed.FS

func TestEveryCodeHasAStatusAndAWayOut(t *testing.T) {
	for c, k := range door.Kinds {
		if k.Status < 400 || k.Title == "" || !strings.HasSuffix(k.Detail, ".") {
			t.Errorf("%s: %+v", c, k)
		}
	}
}

func TestTelephoneLinksHoldDigitsAlone(t *testing.T) {
	for written, want := range map[string]string{
		"+33 1 99 00-12.34": "tel:+33199001234", "(030) 5550100": "tel:0305550100", "+1 500 555 0100 ext. 7": "", "call me": "", "12": "", "javascript:1": "",
		"+33/1 99\u00a000 12 34": "tel:+33199001234", "": "", "1+2345678": "",
	} {
		if got := tel(written); string(got) != want {
			t.Errorf("%q: %q", written, got)
		}
	}
}

func TestAnIPv6SubscriberIsOneAddress(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.7:1234": "192.0.2.7", "[::ffff:192.0.2.7]:1": "192.0.2.7", "[2001:db8:1:2:3::4]:1": "2001:db8:1:2::/64", "[fe80::1%eth0]:1": "fe80::/64", "pipe": "pipe",
	} {
		if got := network(remote); got != want {
			t.Errorf("%s: %s", remote, got)
		}
	}
}
