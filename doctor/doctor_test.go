package doctor_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dutyline/dutyline/doctor"
)

func TestEverythingIsLookedAtAndToldInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		slow := func(state doctor.State, after time.Duration) func(context.Context) []doctor.Line {
			return func(ctx context.Context) []doctor.Line {
				select {
				case <-time.After(after):
				case <-ctx.Done():
				}
				return []doctor.Line{{State: state, Detail: "said"}}
			}
		}
		release := make(chan struct{})
		report := doctor.Examine(t.Context(), 5*time.Second, []doctor.Check{
			{"last to answer", slow(doctor.Warning, 4*time.Second)},
			{"first to answer", slow(doctor.Fine, 0)},
			{"deaf", func(context.Context) []doctor.Line { <-release; return nil }},
			{"broken", func(context.Context) []doctor.Line { panic("a secret") }},
			{"several", func(context.Context) []doctor.Line {
				return []doctor.Line{{Name: "own", State: doctor.Fine}, {State: doctor.Skipped}}
			}},
		})
		close(release)
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("it took %s: the checks are not made at once, or one is waited for too long", took)
		}
		want := []struct {
			name  string
			state doctor.State
		}{
			{"last to answer", doctor.Warning},
			{"first to answer", doctor.Fine},
			{"deaf", doctor.Wrong},
			{"broken", doctor.Wrong},
			{"own", doctor.Fine},
			{"several", doctor.Skipped},
		}
		if len(report.Lines) != len(want) {
			t.Fatalf("%+v", report.Lines)
		}
		for i, l := range report.Lines {
			if l.Name != want[i].name || l.State != want[i].state || (l.State == doctor.Wrong) != (l.Fix != "") {
				t.Errorf("line %d is %+v, want %+v", i, l, want[i])
			}
		}
		if report.OK {
			t.Error("all is well, it says")
		}
	})
}

func TestWarningsAloneAreNoReasonToFail(t *testing.T) {
	fine := doctor.Examine(t.Context(), time.Minute, []doctor.Check{{"a", func(context.Context) []doctor.Line {
		return []doctor.Line{{State: doctor.Warning}, {State: doctor.Skipped}, {State: doctor.Fine}}
	}}})
	if !fine.OK || len(fine.Lines) != 3 {
		t.Errorf("%+v", fine)
	}
}
