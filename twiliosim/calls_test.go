package twiliosim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/twiliosim"
)

func TestCallIsAcceptedAndFetched(t *testing.T) {
	night(t, twiliosim.Options{Numbers: []string{sender}}, func(t *testing.T, w *world) {
		w.speak(map[string]string{"/voice/a1": `<Response><Pause length="90"/></Response>`})
		got := w.api(http.MethodPost, "/Calls.json", dialled()).object(t, http.StatusCreated)
		for name, want := range map[string]any{
			"status": "queued", "to": officer, "from": sender, "direction": "outbound-api", "account_sid": account, "duration": nil,
			"start_time": nil, "end_time": nil, "answered_by": nil, "date_created": time.Now().UTC().Format(time.RFC1123Z),
		} {
			if got[name] != want {
				t.Errorf("%s is %v, want %v", name, got[name], want)
			}
		}
		w.settle(time.Second)
		do(t, w.sim.Answer(officer))
		w.settle(91 * time.Second)
		again := w.serve(apiRequest(t.Context(), http.MethodGet, got["uri"].(string), nil)).object(t, http.StatusOK)
		if again["sid"] != got["sid"] || again["status"] != "completed" || again["duration"] != "90" || again["end_time"] == nil {
			t.Errorf("fetched %v", again)
		}
	})
}

func TestNewCallIsRefused(t *testing.T) {
	w := newWorld(t, twiliosim.Options{Numbers: []string{sender}})
	cases := []struct {
		name string
		form url.Values
		code int
	}{
		{"no recipient", dialled("To", "-"), 21201},
		{"nothing at all", url.Values{}, 21201},
		{"no sender", dialled("From", "-"), 21213},
		{"nothing to say", dialled("Url", "-"), 21205},
		{"relative", dialled("Url", "/voice"), 21205},
		{"by mail", dialled("Url", "mailto:a@b.example"), 21205},
		{"relative fallback", dialled("FallbackUrl", "/voice"), 21205},
		{"relative callback", dialled("StatusCallback", "/voice"), 21609},
		{"relative detection", dialled("AsyncAmdStatusCallback", "/voice"), 21205},
		{"document too long", dialled("Url", "-", "Twiml", strings.Repeat("é", 4001)), 20001},
		{"application", dialled("ApplicationSid", "AP"+strings.Repeat("a", 32)), 21218},
		{"application that is none", dialled("ApplicationSid", "AP1"), 20001},
		{"recipient in letters", dialled("To", "the officer"), 21211},
		{"recipient over SIP", dialled("To", "sip:a@b.example"), 21211},
		{"sender in letters", dialled("From", "Dutyline"), 21212},
		{"sender of somebody else", dialled("From", "+15005550007"), 21210},
		{"number that does not exist", dialled("To", "+15005550001"), 21217},
		{"number that cannot be reached", dialled("To", "+15005550002"), 21214},
		{"country that is not enabled", dialled("To", "+15005550003"), 21215},
		{"number that is blocked", dialled("To", "+15005550004"), 21216},
		{"method", dialled("Method", "PUT"), 20001},
		{"rings for ever", dialled("Timeout", "601"), 21208},
		{"does not ring", dialled("Timeout", "0"), 21208},
		{"rings in words", dialled("Timeout", "long"), 20001},
		{"speaks for ever", dialled("TimeLimit", "14401"), 20001},
		{"detection", dialled("MachineDetection", "Perhaps"), 20001},
		{"detection for ever", dialled("MachineDetectionTimeout", "60"), 20001},
		{"detection aside", dialled("AsyncAmd", "yes"), 20001},
		{"recording", dialled("Record", "perhaps"), 20001},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w.api(http.MethodPost, "/Calls.json", c.form).refused(t, http.StatusBadRequest, c.code)
		})
	}
	if st := w.sim.Stats(); len(w.sim.Calls()) != 0 || st.Calls != 0 || st.Refused != len(cases) {
		t.Errorf("counted %+v, calls %v", st, w.sim.Calls())
	}
}

// TestStoryOfACall is the one that everything is for: the officer hears what is wanted, presses 1, and hears that it is theirs.
func TestStoryOfACall(t *testing.T) {
	night(t, twiliosim.Options{SpeechRate: 1}, func(t *testing.T, w *world) {
		w.speak(map[string]string{
			"/voice/a1":  prompt,
			"/gather/a1": `<Response><Say language="en-GB" voice="Polly.Amy">It is yours.</Say></Response>`,
		})
		sid := w.dial(every...)
		w.settle(7 * time.Second)
		if c := w.call(sid); c.Status != twiliosim.CallRinging || len(c.Said) != 0 {
			t.Fatalf("the call is %+v", c)
		}
		do(t, w.sim.Answer(officer))
		w.settle(time.Second)
		equal(t, "said", w.call(sid).Said, []string{"Press 1 to take it."})
		do(t, w.sim.Press(officer, "1"))
		w.settle(time.Minute)
		c := w.call(sid)
		equal(t, "said", c.Said, []string{"Press 1 to take it.", "It is yours."})
		if c.Status != twiliosim.CallCompleted || c.Pressed != "1" || c.PickedUpBy != twiliosim.Person || c.AnsweredBy != "" {
			t.Errorf("the call was %+v", c)
		}
		if spoken := c.EndedAt.Sub(c.AnsweredAt); spoken != 1800*time.Millisecond { // a second, and 12 characters of a voice
			t.Errorf("spoken for %s", spoken)
		}
		equal(t, "reported", w.reported(), []string{"0 initiated", "1 ringing", "2 in-progress", "3 completed"})
		for _, p := range w.webhooks() {
			f := p.form
			if f.Get("CallSid") != sid || f.Get("AccountSid") != account || f.Get("From") != sender || f.Get("Caller") != sender ||
				f.Get("To") != officer || f.Get("Called") != officer || f.Get("Direction") != "outbound-api" || f.Get("ApiVersion") == "" {
				t.Errorf("%s got %v", p.url, f)
			}
		}
		callbacks := w.to(callURL)
		for i, p := range callbacks {
			f := p.form
			if f.Get("CallbackSource") != "call-progress-events" || f.Get("Timestamp") != p.at.UTC().Format(time.RFC1123Z) {
				t.Errorf("callback %d: %v", i, f)
			}
			if i < 3 && (f.Has("CallDuration") || f.Has("Duration")) {
				t.Errorf("callback %d has a duration", i)
			}
		}
		if f := callbacks[3].form; f.Get("CallDuration") != "2" || f.Get("Duration") != "1" || f.Get("SipResponseCode") != "200" {
			t.Errorf("the last callback: %v", f)
		}
		asked, pressed := w.to(voice), w.to(gathers)
		if len(asked) != 1 || asked[0].form.Get("CallStatus") != "in-progress" || asked[0].form.Has("Digits") {
			t.Errorf("asked for the document: %v", asked)
		}
		if len(pressed) != 1 || pressed[0].form.Get("Digits") != "1" {
			t.Errorf("handed on the key: %v", pressed)
		}
		if st := w.sim.Stats(); st.Calls != 1 || st.Answered != 1 || st.Ended != 1 || st.Waiting != 0 || len(w.sim.Alerts()) != 0 {
			t.Errorf("counted %+v, alerts %v", st, w.sim.Alerts())
		}
		p, _ := w.sim.Phone(officer)
		if p.Call == nil || p.Call.Status != twiliosim.CallCompleted || len(p.Call.Said) != 2 {
			t.Errorf("the phone shows %+v", p.Call)
		}
	})
}

func TestBehavioursOfPhonesThatAreCalled(t *testing.T) {
	for _, c := range []struct {
		behaviour twiliosim.Behaviour
		timeout   string
		want      twiliosim.CallStatus
		by        twiliosim.Party
		sip       string
		callbacks []string
		took      time.Duration // from the request to the end
		rang      bool
	}{
		{twiliosim.Answers, "30", twiliosim.CallNoAnswer, "", "487", []string{"0 initiated", "1 ringing", "2 no-answer"}, 30 * time.Second, true},
		{twiliosim.OptedOut, "30", twiliosim.CallNoAnswer, "", "487", []string{"0 initiated", "1 ringing", "2 no-answer"}, 30 * time.Second, true},
		{twiliosim.NoAnswer, "", twiliosim.CallNoAnswer, "", "487", []string{"0 initiated", "1 ringing", "2 no-answer"}, 60 * time.Second, true},
		{twiliosim.Late, "30", twiliosim.CallNoAnswer, "", "487", []string{"0 initiated", "1 ringing", "2 no-answer"}, 30 * time.Second, true},
		{twiliosim.Busy, "30", twiliosim.CallBusy, "", "486", []string{"0 initiated", "1 busy"}, 0, false},
		{twiliosim.Unreachable, "30", twiliosim.CallFailed, "", "480", []string{"0 initiated", "1 failed"}, 0, false},
		{twiliosim.Voicemail, "30", twiliosim.CallCompleted, twiliosim.Machine, "200", []string{"0 initiated", "1 ringing", "2 in-progress", "3 completed"}, 25 * time.Second, true},
		{twiliosim.Voicemail, "20", twiliosim.CallNoAnswer, "", "487", []string{"0 initiated", "1 ringing", "2 no-answer"}, 20 * time.Second, true},
		{twiliosim.Lies, "30", twiliosim.CallCompleted, twiliosim.Nobody, "200", []string{"0 initiated", "1 ringing", "2 in-progress", "3 completed"}, 10 * time.Second, false},
	} {
		t.Run(string(c.behaviour)+c.timeout, func(t *testing.T) {
			night(t, twiliosim.Options{DeliveryDelay: 1}, func(t *testing.T, w *world) {
				w.speak(map[string]string{"/voice/a1": prompt})
				do(t, w.sim.SetBehaviour(officer, c.behaviour))
				changes := every
				if c.timeout != "" {
					changes = append(slices.Clip(changes), "Timeout", c.timeout)
				}
				sid := w.dial(changes...)
				w.settle(time.Hour)
				got := w.call(sid)
				took := got.EndedAt.Sub(got.CreatedAt).Round(time.Microsecond)
				if got.Status != c.want || got.PickedUpBy != c.by || took != c.took || got.RangAt.IsZero() == c.rang || got.Pressed != "" {
					t.Errorf("the call was %+v and took %s", got, took)
				}
				equal(t, "reported", w.reported(), c.callbacks)
				last := w.to(callURL)[len(c.callbacks)-1].form
				if last.Get("SipResponseCode") != c.sip || (last.Get("CallDuration") == "0") != (c.by == "") {
					t.Errorf("the last callback: %v", last)
				}
				said := map[bool][]string{true: {"Press 1 to take it."}}[c.by != ""]
				equal(t, "said", got.Said, said)
				if n := len(w.to(gathers)); n != len(said) { // the empty result
					t.Errorf("%d results of the Gather", n)
				}
				if p, ok := w.sim.Phone(officer); !ok || (p.Call != nil) != c.rang {
					t.Errorf("the phone shows %+v", p.Call)
				}
				if st := w.sim.Stats(); st.Waiting != 0 || st.Ended != 1 {
					t.Errorf("counted %+v", st)
				}
			})
		})
	}
}

func TestLatePhoneRingsForTheSecondHalf(t *testing.T) {
	night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
		do(t, w.sim.SetBehaviour(officer, twiliosim.Late))
		first := w.dial("Timeout", "40")
		w.settle(19 * time.Second)
		if w.call(first).Status != twiliosim.CallRinging || w.sim.Answer(officer) == nil {
			t.Error("it rings early")
		}
		w.settle(2 * time.Second)
		do(t, w.sim.Answer(officer))
		w.settle(time.Second)
		second := w.dial("Timeout", "40") // meanwhile another call comes
		do(t, w.sim.SetBehaviour(officer, twiliosim.Late))
		w.settle(10 * time.Second)
		do(t, w.sim.SetBehaviour(officer, twiliosim.Answers))
		third := w.dial()
		w.settle(15 * time.Second)
		if w.call(second).Status != twiliosim.CallBusy || w.call(third).Status != twiliosim.CallRinging {
			t.Errorf("the second is %s, the third %s", w.call(second).Status, w.call(third).Status)
		}
	})
}

// TestVoicemailIsDecidedWhenItAnswers: its holder may come back, or leave.
func TestVoicemailIsDecidedWhenItAnswers(t *testing.T) {
	night(t, twiliosim.Options{VoicemailDelay: 10 * time.Second}, func(t *testing.T, w *world) {
		do(t, w.sim.SetBehaviour(officer, twiliosim.Voicemail))
		first := w.dial("Timeout", "30")
		w.settle(5 * time.Second)
		if err := w.sim.Answer(officer); err == nil || !strings.Contains(err.Error(), "nobody is at this phone") {
			t.Errorf("answered with nobody there: %v", err)
		}
		do(t, w.sim.SetBehaviour(officer, twiliosim.Answers))
		w.settle(10 * time.Second)
		do(t, w.sim.Answer(officer))
		w.settle(time.Second)
		second := w.dial("Timeout", "30", "Url", "-", "Twiml", "<Response><Pause/></Response>")
		w.settle(5 * time.Second)
		do(t, w.sim.SetBehaviour(officer, twiliosim.Voicemail))
		w.settle(5500 * time.Millisecond)
		for _, err := range []error{w.sim.Press(officer, "1"), w.sim.HangUp(officer)} {
			if err == nil || !strings.Contains(err.Error(), "a machine has taken") {
				t.Errorf("in the machine's call: %v", err)
			}
		}
		w.settle(time.Minute)
		if a, b := w.call(first), w.call(second); a.PickedUpBy != twiliosim.Person || b.PickedUpBy != twiliosim.Machine {
			t.Errorf("the calls were %+v and %+v", a, b)
		}
	})
}

func TestOneCallAtATime(t *testing.T) {
	night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
		w.speak(map[string]string{"/voice/a1": `<Response><Pause length="30"/></Response>`})
		first := w.dial()
		w.settle(time.Second)
		while := []string{w.dial(every...), w.dial("To", "+12025550188")}
		w.settle(time.Second)
		do(t, w.sim.Answer(officer))
		w.settle(time.Second)
		while = append(while, w.dial())
		w.settle(time.Second)
		do(t, w.sim.HangUp(officer))
		while = append(while, w.dial())
		w.settle(time.Second)
		for i, want := range []twiliosim.CallStatus{twiliosim.CallBusy, twiliosim.CallRinging, twiliosim.CallBusy, twiliosim.CallRinging} {
			if got := w.call(while[i]).Status; got != want {
				t.Errorf("call %d is %s, want %s", i, got, want)
			}
		}
		if got := w.call(first).Status; got != twiliosim.CallCompleted {
			t.Errorf("the first is %s", got)
		}
		equal(t, "reported", w.reported(), []string{"0 initiated", "1 busy"})
	})
}

func TestLaneOfCalls(t *testing.T) {
	night(t, twiliosim.Options{CallsPerSecond: 1, DeliveryDelay: -1}, func(t *testing.T, w *world) {
		var sids []string
		for i := range 5 {
			sids = append(sids, w.dial("To", fmt.Sprintf("+1202555013%d", i)))
			w.dial("To", fmt.Sprintf("+1202555014%d", i), "From", "+15005550009")
		}
		w.settle(2500 * time.Millisecond)
		for i, sid := range sids {
			if got := w.call(sid); (got.Status == twiliosim.CallRinging) != (i < 3) {
				t.Errorf("after 2.5 s call %d is %s", i, got.Status)
			}
		}
		w.api(http.MethodPost, "/Calls/"+sids[4]+".json", url.Values{"Status": {"canceled"}}).object(t, http.StatusOK)
		w.settle(2 * time.Second)
		for i, sid := range sids {
			want := map[bool]twiliosim.CallStatus{false: twiliosim.CallRinging, true: twiliosim.CallCanceled}[i == 4]
			if got := w.call(sid); got.Status != want {
				t.Errorf("after 4.5 s call %d is %s", i, got.Status)
			}
		}
		if got := w.api(http.MethodGet, "/Calls/"+sids[2]+".json", nil).object(t, http.StatusOK); got["queue_time"] != "2000" {
			t.Errorf("it waited for %v ms", got["queue_time"])
		}
	})
}

func TestCallbacksThatAreAskedFor(t *testing.T) {
	for _, c := range []struct {
		events string
		want   []string
		alerts []int
	}{
		{"-", []string{"3 completed"}, nil},
		{"initiated", []string{"0 initiated"}, nil},
		{"ringing,completed", []string{"1 ringing", "3 completed"}, nil},
		{"answered,answered", []string{"2 in-progress"}, nil},
		{"initiated ringing completed", nil, []int{21626}}, // not repeated, as the vendor wants it
		{"completed,finished", []string{"3 completed"}, []int{21626}},
	} {
		t.Run(c.events, func(t *testing.T) {
			night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
				w.dial("StatusCallback", callURL, "StatusCallbackEvent", c.events)
				w.settle(time.Second)
				do(t, w.sim.Answer(officer))
				w.settle(time.Second)
				equal(t, "reported", w.reported(), c.want)
				equal(t, "alerts", w.codes(), c.alerts)
			})
		})
	}
}

func TestWebhooksByGet(t *testing.T) {
	night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
		w.speak(map[string]string{"/voice/a1": `<Response><Gather action="/g?x=1" method="GET" numDigits="2"/></Response>`})
		sid := w.dial("Url", voice+"?y=%20#rc=2", "Method", "GET", "StatusCallback", callURL, "StatusCallbackMethod", "GET")
		w.settle(time.Second)
		do(t, w.sim.Answer(officer))
		w.settle(time.Second)
		do(t, w.sim.Press(officer, "#9*"))
		w.settle(time.Second)
		posts := w.webhooks() // the signatures are checked here
		if len(posts) != 3 {
			t.Fatalf("got %v", posts)
		}
		for i, want := range []string{voice + "?y=%20&", "https://line.example/g?x=1&", callURL + "?"} {
			if p := posts[i]; !strings.HasPrefix(p.url, want+"AccountSid=") || !strings.Contains(p.url, "CallSid="+sid) || len(p.form) != 0 || p.header.Get("Content-Type") != "" {
				t.Errorf("webhook %d: %s with %v", i, p.url, p.form)
			}
		}
		if !strings.Contains(posts[1].url, "Digits=9%2A") {
			t.Errorf("the keys went to %s", posts[1].url)
		}
	})
}

func TestMachineDetection(t *testing.T) {
	const amd = "https://line.example/amd"
	for _, c := range []struct {
		name      string
		behaviour twiliosim.Behaviour
		ask       []string
		want      string
		after     time.Duration // from the answer to the result
		aside     bool
	}{
		{"a person", twiliosim.Answers, []string{"MachineDetection", "Enable"}, "human", 2 * time.Second, false},
		{"a machine", twiliosim.Voicemail, []string{"MachineDetection", "Enable"}, "machine_start", 4 * time.Second, false},
		{"after its greeting", twiliosim.Voicemail, []string{"MachineDetection", "DetectMessageEnd"}, "machine_end_beep", 12 * time.Second, false},
		{"without enough time", twiliosim.Voicemail, []string{"MachineDetection", "DetectMessageEnd", "MachineDetectionTimeout", "3"}, "unknown", 3 * time.Second, false},
		{"a lie", twiliosim.Lies, []string{"MachineDetection", "Enable"}, "human", 2 * time.Second, false},
		{"aside, a person", twiliosim.Answers, []string{"MachineDetection", "Enable", "AsyncAmd", "true", "AsyncAmdStatusCallback", amd}, "human", 2 * time.Second, true},
		{"aside, a machine", twiliosim.Voicemail, []string{"MachineDetection", "Enable", "AsyncAmd", "true", "AsyncAmdStatusCallback", amd}, "machine_start", 4 * time.Second, true},
		{"aside, told to nobody", twiliosim.Voicemail, []string{"MachineDetection", "Enable", "AsyncAmd", "true"}, "machine_start", 4 * time.Second, true},
		{"not asked for", twiliosim.Answers, []string{"AsyncAmdStatusCallback", amd}, "", 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
				w.speak(map[string]string{"/voice/a1": `<Response><Pause length="20"/></Response>`})
				do(t, w.sim.SetBehaviour(officer, c.behaviour))
				sid := w.dial(append(c.ask, every...)...)
				w.settle(time.Second)
				if c.behaviour == twiliosim.Answers {
					do(t, w.sim.Answer(officer))
				}
				w.settle(time.Minute)
				got := w.call(sid)
				if got.Status != twiliosim.CallCompleted || got.AnsweredBy != c.want {
					t.Errorf("the call was %+v", got)
				}
				asked := w.to(voice)[0]
				wait, said := c.after, c.want
				if c.aside {
					wait, said = 0, ""
				}
				if d := asked.at.Sub(got.AnsweredAt); d != wait || asked.form.Get("AnsweredBy") != said {
					t.Errorf("asked for the document after %s: %v", d, asked.form)
				}
				if last := w.to(callURL)[3].form; last.Get("AnsweredBy") != c.want {
					t.Errorf("the last callback: %v", last)
				}
				told := w.to(amd)
				if (len(told) == 1) != (c.aside && len(c.ask) > 4) {
					t.Fatalf("told %v", told)
				}
				if len(told) == 0 {
					return
				}
				if f := told[0].form; told[0].at.Sub(got.AnsweredAt) != c.after || f.Get("AnsweredBy") != c.want || f.Get("CallSid") != sid ||
					f.Get("MachineDetectionDuration") != fmt.Sprint(c.after.Milliseconds()) {
					t.Errorf("told %v", f)
				}
			})
		})
	}
}

func TestDetectionEndsWithItsCall(t *testing.T) {
	night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
		w.dial("MachineDetection", "Enable")
		w.settle(time.Second)
		do(t, w.sim.Answer(officer))
		w.settle(time.Second)
		do(t, w.sim.HangUp(officer))
		w.settle(time.Minute)
		if c := w.sim.Calls()[0]; c.AnsweredBy != "" || len(w.webhooks()) != 0 {
			t.Errorf("the call was %+v", c)
		}
	})
}

func TestCallsAreChanged(t *testing.T) {
	night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
		w.speak(map[string]string{
			"/voice/a1": `<Response><Say>One.</Say><Pause length="600"/><Say>Never.</Say></Response>`,
			"/other":    `<Response><Say>Two.</Say><Pause length="600"/><Say>Never.</Say></Response>`,
		})
		update := func(sid string, pairs ...string) answer {
			form := url.Values{}
			for i := 0; i < len(pairs); i += 2 {
				form.Set(pairs[i], pairs[i+1])
			}
			return w.api(http.MethodPost, "/Calls/"+sid+".json", form)
		}
		sid := w.dial(every...)
		w.settle(time.Second)
		other := []string{"Url", "https://line.example/other", "Method", "POST"}
		update(sid, other...).refused(t, http.StatusBadRequest, 21220) // it only rings
		w.api(http.MethodDelete, "/Calls/"+sid+".json", nil).refused(t, http.StatusConflict, 20009)
		update(sid).object(t, http.StatusOK)
		for name, pairs := range map[string][]string{
			"a status that is none":  {"Status", "busy"},
			"two things at once":     {"Status", "completed", "Twiml", "<Response/>"},
			"two documents":          {"Url", voice, "Twiml", "<Response/>"},
			"a long document":        {"Twiml", strings.Repeat("x", 4001)},
			"a limit that is none":   {"TimeLimit", "0"},
			"a limit without number": {"TimeLimit", "x"},
			"a method":               {"Method", "HEAD"},
		} {
			t.Log(name)
			update(sid, pairs...).refused(t, http.StatusBadRequest, 20001)
		}
		update(sid, "Url", "other").refused(t, http.StatusBadRequest, 21205)
		update(sid, "StatusCallback", "other").refused(t, http.StatusBadRequest, 21609)

		do(t, w.sim.Answer(officer))
		w.settle(time.Second)
		update(sid, "Status", "canceled").refused(t, http.StatusBadRequest, 21220)
		update(sid, other...).object(t, http.StatusOK)
		w.settle(time.Second)
		update(sid, "Twiml", `<Response><Say>Three.</Say><Pause length="600"/></Response>`).object(t, http.StatusOK)
		w.settle(time.Second)
		equal(t, "said", w.call(sid).Said, []string{"One.", "Two.", "Three."})
		update(sid, "TimeLimit", "60", "StatusCallback", callURL+"/moved", "FallbackUrl", voice).object(t, http.StatusOK)
		w.settle(time.Minute)
		c := w.call(sid)
		if spoken := c.EndedAt.Sub(c.AnsweredAt); c.Status != twiliosim.CallCompleted || spoken != time.Minute {
			t.Errorf("%s after %s", c.Status, spoken)
		}
		if moved := w.to(callURL + "/moved"); len(moved) != 1 || moved[0].form.Get("CallStatus") != "completed" {
			t.Errorf("reported where it moved: %v", moved)
		}
		update(sid, "Status", "completed").refused(t, http.StatusBadRequest, 21220)
		if a := w.api(http.MethodDelete, "/Calls/"+sid+".json", nil); a.status != http.StatusNoContent {
			t.Errorf("deleting answered %d", a.status)
		}
		for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			w.api(m, "/Calls/"+sid+".json", url.Values{"Status": {"completed"}}).refused(t, http.StatusNotFound, 20404)
		}
		if p, _ := w.sim.Phone(officer); p.Call == nil || len(w.sim.Calls()) != 0 { // the phone remembers
			t.Errorf("the phone shows %v, calls %v", p.Call, w.sim.Calls())
		}

		for _, status := range []string{"canceled", "completed"} {
			queued := w.dial("From", "+15005550077")
			if got := update(queued, "Status", status).object(t, http.StatusOK); got["status"] != "canceled" {
				t.Errorf("%s in the queue: %v", status, got["status"])
			}
			ringing := w.dial()
			w.settle(time.Second)
			if got := update(ringing, "Status", status).object(t, http.StatusOK); got["status"] != "canceled" || got["end_time"] == nil {
				t.Errorf("%s while it rings: %v", status, got)
			}
		}
		w.mu.Lock()
		speak := w.customer
		w.customer = func(n int, rw http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			speak(n, rw, r)
		}
		w.mu.Unlock()
		talking := w.dial()
		w.settle(time.Second)
		do(t, w.sim.Answer(officer))
		if got := update(talking, "Status", "completed").object(t, http.StatusOK); got["status"] != "completed" { // while the document is fetched
			t.Errorf("completed: %v", got)
		}
		w.settle(time.Hour)
		equal(t, "said in the end", w.call(talking).Said, nil)
	})
}

func TestTimeLimit(t *testing.T) {
	night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
		w.speak(map[string]string{"/voice/a1": `<Response>` + strings.Repeat(`<Pause length="3600"/>`, 9) + `</Response>`})
		short, long := w.dial("TimeLimit", "10"), w.dial("To", "+12025550188")
		w.settle(time.Second)
		do(t, w.sim.Answer(officer))
		do(t, w.sim.Answer("+12025550188"))
		w.settle(24 * time.Hour)
		for sid, want := range map[string]time.Duration{short: 10 * time.Second, long: 4 * time.Hour} {
			if c := w.call(sid); c.Status != twiliosim.CallCompleted || c.EndedAt.Sub(c.AnsweredAt) != want {
				t.Errorf("spoken for %s, want %s", c.EndedAt.Sub(c.AnsweredAt), want)
			}
		}
	})
}

func TestDecliningAndHangingUp(t *testing.T) {
	night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
		w.speak(map[string]string{"/voice/a1": prompt})
		declined := w.dial(every...)
		w.settle(time.Second)
		if err := w.sim.Press(officer, "1"); err == nil || !strings.Contains(err.Error(), "not answered yet") {
			t.Errorf("pressed while it rings: %v", err)
		}
		do(t, w.sim.HangUp(officer))
		w.settle(time.Second)
		equal(t, "reported", w.reported(), []string{"0 initiated", "1 ringing", "2 busy"})
		for _, err := range []error{w.sim.HangUp(officer), w.sim.Answer(officer), w.sim.Press(officer, "1"), w.sim.Answer("+12025550100")} {
			if err == nil {
				t.Error("done without a call")
			}
		}
		hungUp := w.dial()
		w.settle(time.Second)
		do(t, w.sim.Answer(officer))
		if w.sim.Answer(officer) == nil {
			t.Error("answered twice")
		}
		w.settle(time.Second)
		for _, keys := range []string{"", "a", "1 2", "١", strings.Repeat("1", 65)} {
			if w.sim.Press(officer, keys) == nil {
				t.Errorf("pressed %q", keys)
			}
		}
		do(t, w.sim.HangUp(officer))
		w.settle(time.Hour)
		if a, b := w.call(declined).Status, w.call(hungUp).Status; a != twiliosim.CallBusy || b != twiliosim.CallCompleted {
			t.Errorf("declined is %s, hung up %s", a, b)
		}
		if n := len(w.to(gathers)); n != 0 {
			t.Errorf("the Gather of a call that ended had %d results", n)
		}
	})
}

func TestListOfCalls(t *testing.T) {
	night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
		name := map[string]string{}
		dial := func(as string, changes ...string) { name[w.dial(changes...)] = as }
		dial("first")
		dial("elsewhere", "To", "+12025550188")
		w.settle(26 * time.Hour)
		dial("second", "From", "+15005550009")
		w.settle(time.Second)
		none := q("CA" + strings.Repeat("0", 32))
		for query, want := range map[string][]string{
			"":                               {"second", "elsewhere", "first"},
			"To=" + q(officer):               {"second", "first"},
			"From=" + q(sender):              {"elsewhere", "first"},
			"To=%2B1":                        {},
			"Status=ringing":                 {"second"},
			"Status=no-answer":               {"elsewhere", "first"},
			"StartTime=2000-01-01":           {"elsewhere", "first"},
			"StartTime%3E=2000-01-02":        {"second"},
			"StartTime%3C=2000-01-01":        {"elsewhere", "first"},
			"EndTime=2000-01-01":             {"elsewhere", "first"},
			"EndTime%3E=2000-01-02":          {},
			"ParentCallSid=" + none:          {},
			"PageSize=2":                     {"second", "elsewhere"},
			"PageSize=2&Page=1":              {"first"},
			"Status=Ringing":                 nil,
			"ParentCallSid=CA1":              nil,
			"StartTime=soon":                 nil,
			"EndTime%3C=soon":                nil,
			"PageSize=0":                     nil,
			"PageToken=PA" + none:            nil,
			"Status=initiated&PageSize=1000": nil,
		} {
			a := w.api(http.MethodGet, "/Calls.json?"+query, nil)
			if want == nil {
				a.refused(t, http.StatusBadRequest, 20001)
				continue
			}
			got := []string{}
			for _, c := range a.object(t, http.StatusOK)["calls"].([]any) {
				got = append(got, name[c.(map[string]any)["sid"].(string)])
			}
			equal(t, query, got, want)
		}
		var all []string
		for next := any("/2010-04-01/Accounts/" + account + "/Calls.json?PageSize=1"); next != nil; {
			list := w.serve(apiRequest(t.Context(), http.MethodGet, next.(string), nil)).object(t, http.StatusOK)
			for _, c := range list["calls"].([]any) {
				all = append(all, name[c.(map[string]any)["sid"].(string)])
			}
			next = list["next_page_uri"]
			dial("in the meantime", "To", "+12025550177") // must not shift what follows
		}
		equal(t, "in pages", all, []string{"second", "elsewhere", "first"})
	})
}

func TestControlOfCalls(t *testing.T) {
	night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
		w.speak(map[string]string{"/voice/a1": prompt, "/gather/a1": `<Response><Pause length="60"/></Response>`})
		path := "/sim/phones/" + officer + "/call"
		w.send()
		w.settle(time.Second)
		if p := w.control(http.MethodGet, "/sim/phones/"+officer, "").object(t, http.StatusOK); p["call"] != nil {
			t.Errorf("before any call there is %v", p["call"])
		}
		sid := w.dial()
		w.settle(time.Second)
		ringing := w.control(http.MethodGet, "/sim/phones/"+officer, "").object(t, http.StatusOK)["call"].(map[string]any)
		if said, ok := ringing["said"].([]any); ringing["sid"] != sid || ringing["status"] != "ringing" || !ok || len(said) != 0 {
			t.Errorf("the phone shows %v", ringing)
		}
		for body, want := range map[string]int{
			`{}`: 422, `{"answer":false}`: 422, `{"answer":true,"digits":"1"}`: 422, `{"answer":true,"hangup":true}`: 422, `{"digits":"x"}`: 422,
			`{"pick_up":true}`: 400, ``: 400, `{"digits":1}`: 400, `{"digits":"1"}`: 409,
		} {
			w.control(http.MethodPost, path, body).problem(t, want)
		}
		got := w.control(http.MethodPost, path, `{"answer":true}`).object(t, http.StatusOK)
		if got["status"] != "in-progress" || got["picked_up_by"] != "person" {
			t.Errorf("answered %v", got)
		}
		w.control(http.MethodPost, path, `{"answer":true}`).problem(t, http.StatusConflict)
		w.settle(time.Second)
		if got := w.control(http.MethodPost, path, `{"digits":"1"}`).object(t, http.StatusOK); got["pressed"] != "1" || got["said"].([]any)[0] != "Press 1 to take it." {
			t.Errorf("pressed %v", got)
		}
		if got := w.control(http.MethodPost, path, `{"hangup":true}`).object(t, http.StatusOK); got["status"] != "completed" {
			t.Errorf("hung up %v", got)
		}
		if a := w.control(http.MethodPost, path, `{"hangup":true}`); !strings.Contains(string(a.body), "this phone is in no call") {
			t.Errorf("hung up twice: %s", a.body)
		}
		w.dial("To", "+12025550188")
		for path, want := range map[string]int{"/sim/calls": 2, "/sim/calls?to=" + q(officer): 1, "/sim/calls?to=1": 0} {
			var all []map[string]any
			if a := w.control(http.MethodGet, path, ""); json.Unmarshal(a.body, &all) != nil || len(all) != want {
				t.Errorf("%s: %s", path, a.body)
			}
		}
		if p, ok := w.sim.Phone("+12025550188"); !ok || p.Call != nil { // called, and rings not yet
			t.Errorf("the phone is %+v", p)
		}
	})
}

func TestResetAndCloseInTheMiddleOfCalls(t *testing.T) {
	for name, end := range map[string]func(*world){
		"reset": func(w *world) { w.sim.Reset() },
		"close": func(w *world) { w.sim.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			night(t, twiliosim.Options{CallsPerSecond: 1, SpeechRate: 1}, func(t *testing.T, w *world) {
				w.speak(map[string]string{"/voice/a1": prompt})
				numbers := []string{officer, "+12025550131", "+12025550132", "+12025550133", "+12025550134"}
				for _, n := range numbers {
					w.dial("To", n, "MachineDetection", "Enable", "AsyncAmd", "true", "StatusCallback", callURL)
				}
				w.settle(3 * time.Second) // the last waits in the lane
				do(t, w.sim.Answer(officer))
				w.settle(time.Second)
				w.mu.Lock()
				release := make(chan struct{})
				w.customer = func(_ int, out http.ResponseWriter, r *http.Request) {
					select {
					case <-release:
					case <-r.Context().Done():
					}
				}
				w.mu.Unlock()
				do(t, w.sim.Answer(numbers[1])) // its document never comes
				w.settle(time.Second)
				n := len(w.webhooks())
				end(w)
				close(release)
				if st := w.sim.Stats(); st.Waiting != 0 {
					t.Errorf("%d steps wait", st.Waiting)
				}
				if name == "reset" { // the lane is free again
					sid := w.dial()
					w.settle(time.Second)
					if c := w.call(sid); c.Status != twiliosim.CallRinging {
						t.Errorf("a new call is %s", c.Status)
					}
					w.sim.Reset()
				}
				w.settle(5 * time.Hour)
				if len(w.webhooks()) != n {
					t.Error("a call went on")
				}
				if name == "reset" && (len(w.sim.Calls()) != 0 || len(w.sim.Phones()) != 0) {
					t.Errorf("left: %v", w.sim.Calls())
				}
			})
		})
	}
}

// TestCallThatIsTurnedWhileItIsDetected keeps its new document.
func TestCallThatIsTurnedWhileItIsDetected(t *testing.T) {
	night(t, twiliosim.Options{}, func(t *testing.T, w *world) {
		sid := w.dial("MachineDetection", "Enable")
		w.settle(time.Second)
		do(t, w.sim.Answer(officer))
		form := url.Values{"Twiml": {`<Response><Say>Quick.</Say><Pause length="10"/></Response>`}}
		w.api(http.MethodPost, "/Calls/"+sid+".json", form).object(t, http.StatusOK)
		w.settle(time.Minute)
		equal(t, "said", w.call(sid).Said, []string{"Quick."})
		if c := w.call(sid); c.AnsweredBy != "human" || len(w.to(voice)) != 0 {
			t.Errorf("the call was %+v", c)
		}
	})
}
