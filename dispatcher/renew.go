package dispatcher

import (
	"slices"
	"strconv"
	"time"

	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
)

// A verification that ends is renewed by a test page, which the node orders: on the first two days of its last fourteen, and where that was not
// answered, nine days later. By day alone, and not when people get up or go to bed.
const (
	renewDays           = 2
	renewAgain          = 9 // days later: more than a week lies between the two, and both before the end
	renewFrom, renewTo  = 10, 18
	renewLife           = 4 * time.Hour
	renewals            = 2
	firstRenewalsBefore = roster.VerifyAgain
)

// MarkOf gives the digest of an address for the test that a cause names.
type MarkOf func(cause, contact, address string) string

// renewalsDue lists the test pages by which verifications are renewed now: one for each telephone of whoever has a duty.
func (m *Machine) renewalsDue(p *plan) (list []request.MatterBody) {
	if m.opts.Mark == nil {
		return nil
	}
	for _, who := range p.Roster.Book().People {
		if who.Erased || !slices.ContainsFunc(who.Contacts, func(c roster.Contact) bool { return renewable(c, p.now) }) {
			continue // as almost everybody, and a time zone is read from the disk
		}
		home := p.home("", who.ID)
		if hour := p.now.In(home).Hour(); hour < renewFrom || hour >= renewTo {
			continue
		}
		for _, c := range tested(who, false) {
			n, ok := renewalOf(c, p.now, home)
			if !ok || !slices.Contains(p.Media, c.Channel) || !m.appointed.has(p.Roster, who.ID, p.now) {
				continue
			}
			b := request.MatterBody{
				Kind: request.OpsTest, Cause: who.ID + " " + c.ID + " verified " + c.Tested.UTC().Format(time.RFC3339) + ", renewal " + strconv.Itoa(n+1),
				About: string(notifier.AskToAnswer), Asks: []string{who.ID}, Person: who.ID, Expires: request.At(p.now.Add(renewLife)),
			}
			b.Contacts = []request.Tested{{Contact: c.ID, Mark: m.opts.Mark(b.Cause, c.ID, c.Address)}}
			if !m.raised(b) {
				list = append(list, b)
			}
		}
	}
	return list
}

// renewable reports whether a contact's verification ends soon enough to be renewed.
func renewable(c roster.Contact, now time.Time) bool {
	end, ends := c.VerifiedUntil()
	return ends && now.Before(end) && !now.Before(end.Add(-firstRenewalsBefore))
}

// renewalOf says which of the renewals of a contact's verification is due on this day, counted from 0; ok is false when none is.
func renewalOf(c roster.Contact, now time.Time, home *time.Location) (n int, ok bool) {
	if !renewable(c, now) {
		return 0, false
	}
	end, _ := c.VerifiedUntil()
	first := end.Add(-firstRenewalsBefore).In(home)
	day := first.Day()
	if first.Hour() >= renewFrom { // that day's is over, or has begun
		day++
	}
	for n := range renewals {
		from := time.Date(first.Year(), first.Month(), day+n*renewAgain, renewFrom, 0, 0, 0, home)
		until := time.Date(first.Year(), first.Month(), day+n*renewAgain+renewDays-1, renewTo, 0, 0, 0, home)
		if !now.Before(from) && now.Before(until) {
			return n, true
		}
	}
	return 0, false
}

// appointments remembers who has a duty, for an hour. It belongs to one machine.
type appointments struct {
	roster *roster.Compiled
	hour   time.Time
	people map[string]bool
}

func (a *appointments) has(r *roster.Compiled, person string, now time.Time) bool {
	if hour := now.Truncate(time.Hour); a.roster != r || !a.hour.Equal(hour) {
		*a = appointments{r, hour, r.Appointed(hour)}
	}
	return a.people[person]
}
