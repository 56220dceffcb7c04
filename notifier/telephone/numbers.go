package telephone

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/url"
	"regexp"
	"slices"

	"github.com/dutyline/dutyline/notifier"
)

var e164 = regexp.MustCompile(`^\+[1-9]\d{6,14}$`)

// Dialable reports whether a number is one in E.164. The empty number of somebody who has left the roster is none.
func Dialable(p notifier.Phone) bool { return e164.MatchString(string(p)) }

// CheckNumbers says what is wrong with our own numbers, one error for each that is; path is the key that they are configured by.
func CheckNumbers(path string, numbers []string) []error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(numbers) == 0 {
		wrong("%s: at least one number is needed", path)
	}
	for i, n := range numbers {
		switch {
		case !Dialable(notifier.Phone(n)):
			wrong("%s[%d]: write it in E.164, as in +15005550006", path, i)
		case slices.Contains(numbers[:i], n):
			wrong("%s[%d]: it stands there twice, remove one", path, i)
		}
	}
	return errs
}

// Serving is that of our numbers that writes to a recipient, and calls: the one whose hash together with the recipient's is highest, so that
// adding a number moves as few conversations as can be. "" only without numbers.
func Serving(numbers []string, to notifier.Phone) string {
	best, highest := "", [sha256.Size]byte{}
	for _, n := range numbers {
		if sum := sha256.Sum256([]byte(n + "|" + string(to))); best == "" || bytes.Compare(sum[:], highest[:]) > 0 {
			best, highest = n, sum
		}
	}
	return best
}

// IsBase reports whether addresses can be built on one: http or https, with a host and without what no base of addresses can have.
func IsBase(u *url.URL) bool {
	return (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil && u.RawQuery == "" && !u.ForceQuery && u.Fragment == ""
}
