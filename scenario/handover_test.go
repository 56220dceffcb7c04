package scenario_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dutyline/dutyline/dispatcher"
	"github.com/dutyline/dutyline/dispatcher/node"
	"github.com/dutyline/dutyline/eventlog/eventlogtest"
	"github.com/dutyline/dutyline/notifier"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/twiliosim"
)

const dalia, erik = "+15005550104", "+15005550105"

// inShifts plays a story with calls and alarms, in which the duty passes every day at ten past midnight: from ada, who reads English, to dalia,
// who reads Arabic and lives where it is morning then.
func inShifts(t *testing.T, story func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, eventlogtest.Start(t), dispatcher.DefaultPolicy(), func(w *world, o *node.Options) {
			book := roster.Example("Europe/Madrid", time.Now())
			book.Revision = 1
			book.People[3].TimeZone = "Asia/Tokyo"
			book.Rosters[0].Layers[0].Rotation = roster.Rotation{
				Turns: [][]string{{"ada"}, {"dalia"}, {"bruno"}}, Unit: roster.Days, Length: 1, Handover: "01:10", From: "1999-12-31",
			}
			compiled, err := roster.Compile(book)
			if err != nil {
				t.Fatal(err)
			}
			o.Rosters = still{compiled}
			o.Providers = append(o.Providers, node.Provider{Channel: w.client.Voice()})
			o.Alarms.Reference = func(kind, cause string, i int) []byte { return []byte(request.FactID(kind, cause, fmt.Sprint(i))) }
		})
		synctest.Wait()
		story(t, w)
	})
}

// got lists the texts on a phone that hold a word, the oldest first; those that were written there begin with "> ".
func (w *world) got(number, word string) []string {
	phone, _ := w.sim.Phone(number)
	var list []string
	for _, text := range phone.Texts {
		body := text.Body
		if text.Direction == twiliosim.Inbound {
			body = "> " + body
		}
		if strings.Contains(body, word) {
			list = append(list, body)
		}
	}
	return list
}

// handedOver is the only handover, and the code that somebody was asked with last.
func (w *world) handedOver(number string) (handover request.Ref, code string) {
	w.t.Helper()
	list := w.node.Matters(request.OpsHandover)
	if len(list) != 1 {
		w.t.Fatalf("%d handovers", len(list))
	}
	s := list[0]
	for _, p := range s.Pages {
		if text := w.code(s.Ref, p.Page); len(w.got(number, text)) > 0 {
			code = text
		}
	}
	return s.Ref, code
}

func (w *world) answer(number, text string) {
	w.t.Helper()
	if _, err := w.sim.Reply(number, text); err != nil {
		w.t.Fatal(err)
	}
	pass(5 * time.Second)
}

func (w *world) says(number, want string) {
	w.t.Helper()
	if got := w.got(number, ""); len(got) == 0 || got[len(got)-1] != want {
		w.t.Errorf("the phone of %s reads\n%s\nand should end with\n%s", notifier.Phone(number), strings.Join(got, "\n"), want)
	}
}

func TestAShiftIsHandedOverByTextFromOneScriptToAnother(t *testing.T) {
	inShifts(t, func(t *testing.T, w *world) {
		first, second := w.raise(request.Urgent), w.raise(request.Critical)
		pass(time.Second)
		for _, ref := range []request.Ref{first, second} {
			if _, err := w.node.Acknowledge(t.Context(), ref, "ada", "", request.ViaWeb); err != nil {
				t.Fatal(err)
			}
		}
		pass(10 * time.Second)
		w.says(dalia, "Dutyline: مناوبتك القادمة national من 2000-01-01 01:10 CET إلى 2000-01-02 01:10 CET.")
		pass(10 * time.Minute)
		handover, ofDalia := w.handedOver(dalia)
		_, ofAda := w.handedOver(ada)
		refs := second.String() + ", " + first.String()
		if got := w.got(dalia, "حتى"); len(got) != 1 || got[0] != "Dutyline: أنت في المناوبة national حتى 2000-01-02 01:10 CET. الطلبات المفتوحة: 2." {
			t.Errorf("at the start dalia reads %q", got)
		}
		if got := w.got(dalia, ofDalia); len(got) != 1 || got[0] != handover.String()+": تنتقل إليك طلبات KESTREL: 2 ("+refs+"). للاستلام أرسل "+ofDalia {
			t.Errorf("dalia is asked %q", got)
		}
		if got := w.got(ada, ofAda); len(got) != 1 || got[0] != "Dutyline "+handover.String()+": your duty is over. Open requests that pass to SWIFT: 2 ("+refs+"). Reply "+ofAda+" to confirm." {
			t.Errorf("ada is asked %q", got)
		}
		w.answer(ada, ofAda)
		w.says(ada, handover.String()+": noted. The requests stay yours until a text says who has them.")
		eastern := strings.NewReplacer("0", "٠", "1", "١", "2", "٢", "3", "٣", "4", "٤", "5", "٥", "6", "٦", "7", "٧", "8", "٨", "9", "٩")
		w.answer(dalia, eastern.Replace(ofDalia)) // as her telephone writes digits
		w.says(dalia, handover.String()+": أصبحت الطلبات لديك. اقرأها في صفحة المناوبة.")
		w.says(ada, handover.String()+": SWIFT has your open requests now. There is nothing left to do.")
		for _, ref := range []request.Ref{first, second} {
			if s := w.state(ref); s.Owner != "dalia" || s.Status != request.StatusAcknowledged {
				t.Errorf("%s has %s, %s", s.Owner, ref, s.Status)
			}
		}
		w.answer(dalia, ofDalia)
		w.says(dalia, handover.String()+": سبق أن أكدت.")
		for _, number := range []string{ada, dalia} {
			for _, text := range w.got(number, "") {
				for _, secret := range []string{"Example", "+1500", "preservation", "://"} {
					if strings.Contains(text, secret) {
						t.Errorf("%q holds %q", text, secret)
					}
				}
			}
		}
	})
}

func TestAHandoverIsConfirmedByAKeyAfterItWasCalled(t *testing.T) {
	inShifts(t, func(t *testing.T, w *world) {
		ref := w.raise(request.Critical)
		pass(time.Second)
		if _, err := w.node.Acknowledge(t.Context(), ref, "ada", "", request.ViaWeb); err != nil {
			t.Fatal(err)
		}
		pass(26*time.Minute + 10*time.Second) // the text, the reminder, and a minute
		phone, _ := w.sim.Phone(dalia)
		if phone.Call == nil {
			t.Fatal("dalia's phone does not ring")
		}
		if err := w.sim.Answer(dalia); err != nil {
			t.Fatal(err)
		}
		pass(3 * time.Second)
		if err := w.sim.Press(dalia, "1"); err != nil {
			t.Fatal(err)
		}
		pass(20 * time.Second)
		if s := w.state(ref); s.Owner != "dalia" {
			t.Errorf("%s has it", s.Owner)
		}
		pass(30 * time.Minute)
		handover, _ := w.handedOver(ada)
		// ada has said nothing: the coordinator reads it, and is not called.
		w.says(erik, "Dutyline "+handover.String()+": KESTREL went off duty and has not confirmed the handover. The requests were taken over.")
		if got := len(w.node.Alarms()); got != 0 {
			t.Errorf("%d alarms", got)
		}
	})
}
