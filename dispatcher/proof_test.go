package dispatcher_test

import (
	"testing"
	"time"

	"github.com/dutyline/dutyline/roster"
)

func TestAVerificationThatEndsIsFoundFourteenDaysBefore(t *testing.T) {
	w := newWorld(t)
	n := w.start("n1")
	ends := func(person int, end time.Time) func(*roster.Book) {
		return func(b *roster.Book) {
			for i := range b.People[person].Contacts {
				c := &b.People[person].Contacts[i]
				c.Verified, c.Tested = true, end.Add(-roster.VerificationLife)
			}
		}
	}
	w.edit(ends(3, time.Date(2026, 3, 25, 12, 0, 0, 0, time.UTC))) // dalia, on duty from the 23rd to the 30th
	w.found(n, "")
	w.edit(ends(0, time.Date(2026, 3, 8, 12, 0, 0, 0, time.UTC))) // ada, on duty to the 9th
	w.found(n, "unverified_on_duty person ada: on national, 2026-03-08 12:00 UTC to 2026-03-09 08:00 UTC")
	w.run(9*24*time.Hour - time.Hour) // the 11th
	w.found(n, "unverified_on_duty person ada: on national, from 2026-04-06 08:00 UTC on")
	w.run(2 * time.Hour)
	w.edit(func(b *roster.Book) {
		for j, c := range b.People[0].Contacts {
			next, err := b.VerifyContact("ada", c.ID, w.now)
			if err != nil {
				t.Fatal(j, err)
			}
			*b = next
		}
	})
	w.found(n, "unverified_on_duty person dalia: on national, 2026-03-25 12:00 UTC to 2026-03-30 08:00 UTC")
}
