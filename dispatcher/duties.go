package dispatcher

import (
	"time"

	"github.com/dutyline/dutyline/roster"
)

// dutyLife bounds how long an answer is remembered: how far the roster looks ahead for the next people moves with the time.
const dutyLife = time.Hour

// duties remembers who is on duty. Between two changes of a roster the answer stays the same, and every request that waits asks for it
// whenever something happens to it. It belongs to one machine; nil remembers nothing.
type duties struct {
	roster *roster.Compiled
	known  map[string]knownDuty
}

type knownDuty struct {
	duty        roster.Duty
	ok          bool
	change      time.Time // of the people on duty, zero when there is none
	from, until time.Time // the answer holds from and before
}

// ask gives what the roster says of now, and when that may change (zero: never).
func (d *duties) ask(r *roster.Compiled, id string, now time.Time) knownDuty {
	if d == nil {
		return answer(r, id, now)
	}
	if d.roster != r || d.known == nil {
		d.roster, d.known = r, map[string]knownDuty{}
	}
	k, ok := d.known[id]
	if !ok || now.Before(k.from) || !now.Before(k.until) {
		k = answer(r, id, now)
		d.known[id] = k
	}
	return k
}

func answer(r *roster.Compiled, id string, now time.Time) knownDuty {
	k := knownDuty{from: now, until: now.Add(dutyLife)}
	k.duty, k.ok = r.At(id, now)
	if change, ok := r.NextChange(id, now); ok {
		k.change = change
		if change.Before(k.until) {
			k.until = change
		}
	}
	return k
}
