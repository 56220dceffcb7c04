package twiliosim_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dutyline/dutyline/twiliosim"
)

var (
	httpMethod = parameter{rapid.SampledFrom([]string{"GET", "POST"}), rapid.SampledFrom([]string{"PUT", "get", ""})}
	word       = rapid.StringN(1, 20, 80)
)

func within(least, most int) parameter {
	return parameter{rapid.Map(rapid.IntRange(least, most), func(n int) string { return fmt.Sprint(n) }), integer.wrong}
}

func anyOf(values ...string) parameter { return free(rapid.SampledFrom(values)) }

// callCreation are all parameters of a call but To, From, Url and ApplicationSid: the simulator has no applications.
var callCreation = map[string]parameter{
	"Method": httpMethod, "FallbackUrl": free(address), "FallbackMethod": httpMethod,
	"StatusCallback": free(address), "StatusCallbackMethod": httpMethod,
	"StatusCallbackEvent": anyOf("initiated", "ringing", "answered", "completed", "initiated ringing"), // the description names no values
	"SendDigits":          anyOf("1", "wW12#"), "Timeout": within(1, 600), "TimeLimit": within(1, 14400), "Record": boolean,
	"RecordingChannels": anyOf("mono", "dual"), "RecordingStatusCallback": free(address), "RecordingStatusCallbackMethod": httpMethod,
	"RecordingStatusCallbackEvent": anyOf("in-progress", "completed"), "RecordingTrack": anyOf("inbound", "both"), "Trim": anyOf("trim-silence"),
	"SipAuthUsername": free(word), "SipAuthPassword": free(word), "CallerId": free(phone), "CallReason": free(word), "CallToken": free(word),
	"MachineDetection": anyOf("Enable", "DetectMessageEnd"), "MachineDetectionTimeout": within(3, 59),
	"MachineDetectionSpeechThreshold": integer, "MachineDetectionSpeechEndThreshold": integer, "MachineDetectionSilenceTimeout": integer,
	"AsyncAmd": anyOf("true", "false"), "AsyncAmdStatusCallback": free(address), "AsyncAmdStatusCallbackMethod": httpMethod,
	"Byoc": sid("BY"), "ClientNotificationUrl": free(address), "Twiml": free(word),
}

func TestContractOfCreateCall(t *testing.T) {
	router := described(t)
	w := newWorld(t, twiliosim.Options{DeliveryDelay: time.Hour})
	rapid.Check(t, func(t *rapid.T) {
		form := url.Values{}
		mutated := fill(t, form, callCreation)
		form.Set("To", "+1202555"+rapid.StringMatching(`[0-9]{4}`).Draw(t, "To"))
		form.Set("From", sender)
		if !form.Has("Twiml") || rapid.Bool().Draw(t, "Url as well") {
			form.Set("Url", address.Draw(t, "Url"))
		}
		if without := rapid.SampledFrom([]string{"", "", "", "", "", "", "To", "From"}).Draw(t, "without"); without != "" {
			form.Del(without)
			mutated = true
		}
		agree(t, w, router, http.MethodPost, "/Calls.json", form, mutated)
	})
}

func TestContractOfListCall(t *testing.T) {
	router := described(t)
	w := newWorld(t, twiliosim.Options{DeliveryDelay: time.Hour})
	for i := range 30 {
		w.dial("To", fmt.Sprintf("+1202555012%d", i%3))
	}
	status := []string{"queued", "ringing", "in-progress", "completed", "busy", "failed", "no-answer", "canceled"}
	rapid.Check(t, func(t *rapid.T) {
		query := url.Values{}
		parent := sid("CA")
		parent.wrong = parent.wrong.Filter(func(s string) bool { return s != "" })
		mutated := fill(t, query, map[string]parameter{
			"To": anyOf("+12025550120", "+12025550199", "somebody"), "From": anyOf(sender), "ParentCallSid": parent,
			"Status":    {rapid.SampledFrom(status), rapid.SampledFrom([]string{"initiated", "Queued", "answered"})},
			"StartTime": moment, "StartTime<": moment, "StartTime>": moment, "EndTime": moment, "EndTime<": moment, "EndTime>": moment,
			"PageSize": {rapid.Map(rapid.IntRange(1, 1000), func(n int) string { return fmt.Sprint(n) }), rapid.SampledFrom([]string{"0", "1001", "x"})},
			"Page":     {rapid.SampledFrom([]string{"0", "1", "40"}), rapid.SampledFrom([]string{"-1", "x"})},
		})
		agree(t, w, router, http.MethodGet, "/Calls.json?"+query.Encode(), nil, mutated)
	})
}

func TestContractOfFetchAndUpdateCall(t *testing.T) {
	router := described(t)
	w := newWorld(t, twiliosim.Options{DeliveryDelay: time.Hour})
	rapid.Check(t, func(t *rapid.T) {
		call := w.dial()
		if rapid.Bool().Draw(t, "fetch a wrong SID") {
			wrong := sid("CA").wrong.Filter(func(s string) bool { return s != "" }).Draw(t, "SID")
			agree(t, w, router, http.MethodGet, "/Calls/"+wrong+".json", nil, true)
			return
		}
		agree(t, w, router, http.MethodGet, "/Calls/"+call+".json", nil, false)
		form := url.Values{}
		mutated := fill(t, form, map[string]parameter{ // Url and Twiml need a call in progress
			"Status": {rapid.SampledFrom([]string{"canceled", "completed"}), rapid.SampledFrom([]string{"queued", "Completed", "busy", ""})},
			"Method": httpMethod, "FallbackUrl": free(address), "FallbackMethod": httpMethod, "StatusCallback": free(address),
			"StatusCallbackMethod": httpMethod, "TimeLimit": within(1, 14400),
		})
		agree(t, w, router, http.MethodPost, "/Calls/"+call+".json", form, mutated)
	})
}

// TestContractOfEveryCallStatus validates what is said of calls that came to every end there is.
func TestContractOfEveryCallStatus(t *testing.T) {
	router := described(t)
	night(t, twiliosim.Options{DeliveryDelay: time.Second}, func(t *testing.T, w *world) {
		w.speak(map[string]string{"/voice/a1": prompt})
		seen := map[string]bool{}
		look := func() {
			for _, c := range w.sim.Calls() {
				seen[string(c.Status)] = true
				if _, got, err := exchange(w, router, http.MethodGet, "/Calls/"+c.SID+".json", nil); err != nil || got.status != http.StatusOK {
					t.Errorf("%s: %d %v", c.SID, got.status, err)
				}
			}
			if _, got, err := exchange(w, router, http.MethodGet, "/Calls.json?PageSize=3", nil); err != nil || got.status != http.StatusOK {
				t.Errorf("%d: %v", got.status, err)
			}
		}
		for i, b := range twiliosim.Behaviours() {
			number := fmt.Sprintf("+1202555013%d", i)
			do(t, w.sim.SetBehaviour(number, b))
			w.dial("To", number, "MachineDetection", "Enable")
		}
		w.dial()
		form := url.Values{"Status": {"canceled"}}
		if _, got, err := exchange(w, router, http.MethodPost, "/Calls/"+w.dial()+".json", form); err != nil || got.status != http.StatusOK {
			t.Errorf("%d: %v", got.status, err)
		}
		look()
		w.settle(3 * time.Second)
		do(t, w.sim.Answer(officer))
		look()
		for range 30 {
			w.settle(time.Second)
			look()
		}
		w.settle(24 * time.Hour)
		look()
		for _, c := range w.sim.Calls() {
			if _, got, err := exchange(w, router, http.MethodDelete, "/Calls/"+c.SID+".json", nil); err != nil || got.status != http.StatusNoContent {
				t.Errorf("%s: %d %v", c.SID, got.status, err)
			}
		}
		want := strings.Fields("busy canceled completed failed in-progress no-answer queued ringing")
		equal(t, "statuses seen", slices.Sorted(maps.Keys(seen)), want)
	})
}
