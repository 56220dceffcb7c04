package webhook

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// FuzzSignature signs any message, and lets the specification's own library judge: it takes what was signed, and nothing in which the id, the
// time, a byte of the body or the key is another. The id and the time stand in front of the body with dots in between, so that none of the
// three can be taken for a part of its neighbour.
func FuzzSignature(f *testing.F) {
	now := time.Now().Unix()
	f.Add([]byte("0123456789abcdef"), "7K4M2QX9D.p1", int64(0), []byte(`{"type":"status"}`), 3)
	f.Add([]byte{}, "", int64(-299), []byte(nil), 0)
	f.Add([]byte("k"), "a.1", int64(299), []byte("2.b"), 1)
	f.Add([]byte("\x00"), "id\n", int64(301), []byte("\xff"), 0)
	f.Add([]byte("key"), "id", int64(-1<<40), []byte("x"), 0)
	f.Fuzz(func(t *testing.T, key []byte, id string, skew int64, body []byte, at int) {
		when := time.Unix(now+skew%(1<<33), 0)
		if len(key) == 0 || id == "" || strings.ContainsAny(id, "\r\n\x00") {
			t.Skip("no sender has such a key, and no page such a name")
		}
		w, err := standard.NewWebhook(Secret(key))
		if err != nil {
			t.Fatalf("the secret is none: %v", err)
		}
		signature := sign(key, id, when, body)
		verify := func(id string, at time.Time, signature string, body []byte) error {
			header := http.Header{}
			header.Set(headerID, id)
			header.Set(headerTimestamp, stamp(at))
			header.Set(headerSignature, signature)
			return w.VerifyIgnoringTimestamp(body, header)
		}
		if err := verify(id, when, signature, body); err != nil {
			t.Fatalf("what is signed is not taken: %v", err)
		}
		if late := time.Since(when).Abs() > 6*time.Minute; late {
			header := http.Header{}
			header.Set(headerID, id)
			header.Set(headerTimestamp, stamp(when))
			header.Set(headerSignature, signature)
			if w.Verify(body, header) == nil {
				t.Fatalf("what was signed at %s is taken as new", when)
			}
		}
		other := append([]byte{}, body...)
		if len(other) > 0 {
			other[(at%len(other)+len(other))%len(other)] ^= 1
		} else {
			other = []byte("x")
		}
		for name, err := range map[string]error{
			"body": verify(id, when, signature, other), "longer body": verify(id, when, signature, append(slices.Clip(body), 'x')),
			"id": verify(id+"x", when, signature, body), "time": verify(id, when.Add(time.Second), signature, body),
			"key": verify(id, when, sign(append(slices.Clip(key), 'x'), id, when, body), body), "no signature": verify(id, when, "v1,", body),
			"moved dot": verify(id+"."+stamp(when), when, signature, body),
		} {
			if err == nil {
				t.Errorf("another %s is taken", name)
			}
		}
	})
}

// stamp is a time as the header has it.
func stamp(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }
