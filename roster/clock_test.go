package roster_test

import (
	"testing"
	"time"

	"github.com/dutyline/dutyline/roster"
)

func TestAClockFromElsewhereKeepsTheRuleOfTheWallClock(t *testing.T) {
	for _, tc := range []struct{ zone, wall, want string }{
		{"Europe/Paris", "2026-07-01T08:00:00Z", "2026-07-01T06:00:00Z"},
		{"Europe/Paris", "2026-03-29T02:30:00Z", "2026-03-29T01:00:00Z"}, // there is none: the first instant after it
		{"Europe/Paris", "2026-10-25T02:30:00Z", "2026-10-25T00:30:00Z"}, // there are two: the first
		{"Asia/Beirut", "2026-03-29T00:00:00Z", "2026-03-28T22:00:00Z"},  // a day that begins at 01:00
		{"UTC", "2026-07-01T08:00:59Z", "2026-07-01T08:00:59Z"},
	} {
		zone, err := time.LoadLocation(tc.zone)
		if err != nil {
			t.Fatal(err)
		}
		wall, err := time.Parse(time.RFC3339, tc.wall)
		if err != nil {
			t.Fatal(err)
		}
		clock := roster.NewClock(zone)
		got := clock.Reaches(wall)
		if got.UTC().Format(time.RFC3339) != tc.want {
			t.Errorf("%s in %s is %s, want %s", tc.wall, tc.zone, got.UTC().Format(time.RFC3339), tc.want)
		}
		if shown := clock.Shows(got); shown.Before(wall) || shown.Sub(wall) > time.Hour || shown.Location() != time.UTC {
			t.Errorf("at %s the clock of %s shows %s", got.UTC(), tc.zone, shown)
		}
	}
}
