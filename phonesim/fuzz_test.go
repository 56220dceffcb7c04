package phonesim_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dutyline/dutyline/internal/fuzztest"
	"github.com/dutyline/dutyline/phonesim"
)

// doors are what FuzzDoors knocks at: a method and an address, in which {text} stands for any text.
var doors = []struct{ method, address string }{
	{http.MethodPut, "/sim/phones/{text}"},
	{http.MethodPost, "/sim/phones/{text}/texts"},
	{http.MethodPost, "/sim/phones/{text}/call"},
	{http.MethodPut, "/sim/faults"},
	{http.MethodGet, "/sim/phones?{text}"},
	{http.MethodGet, "/sim/phones/{text}"},
	{http.MethodGet, "/phones/{text}"},
}

func knock(n *phonesim.Network, door int, text, body string) *httptest.ResponseRecorder {
	d := doors[door]
	r := httptest.NewRequest(d.method, strings.ReplaceAll(d.address, "{text}", url.PathEscape(text)), strings.NewReader(body))
	w := httptest.NewRecorder()
	n.Handler().ServeHTTP(w, r)
	return w
}

// What the fuzz target keeps, and the status that it is answered with.
func TestKeptInputsAreRefused(t *testing.T) {
	fuzztest.Refused(t, "FuzzDoors", map[string]string{
		"400_member_of_nothing": "400", "400_two_documents": "400", "400_texts_below_none": "400", "400_asset_above": "400", "409_key_without_a_call": "409",
		"422_behaviour_of_nobody": "422", "422_fault_before_now": "422", "422_letters_for_a_number": "422", "422_text_to_a_number_of_nobody": "422",
	}, func(args []string) string {
		n, _, _ := two(t)
		door, err := strconv.Atoi(args[0])
		if err != nil {
			t.Fatal(err)
		}
		return strconv.Itoa(knock(n, door, args[1], args[2]).Code)
	})
}

// FuzzDoors knocks at any door of the simulated phones with any text and body. The answer is one that is written down, never a fault; a refusal is a
// problem document and changes no phone, no fault and no operator; and every phone has a number in E.164 and a behaviour that there is.
func FuzzDoors(f *testing.F) {
	for door := range doors {
		for _, text := range []string{officer, officer[1:], "", "+", "12", "texts=-1&limit=1", "contains=%00", "phones.js", "..", "+12025550123/texts", "١٢٠٢٥٥٥٠١٢٣"} {
			for _, body := range []string{
				"", "null", "{}", `{"behaviour":"busy"}`, `{"behaviour":"echoes"}`, `{"body":"x"}`, `{"body":"x","to":"+15005550012"}`, `{"answer":true}`, `{"digits":"1w2#"}`, `{"hangup":true}`,
				`{"mode":"429","for":"90s"}`, `{"mode":"none","provider":"second"}`, `{"mode":"down","for":"-1ns"}`, `{"mode":"slow","for":"9999999h"}`,
			} {
				f.Add(door, text, body)
			}
		}
	}
	n := phonesim.New(phonesim.Options{})
	f.Cleanup(n.Close)
	operators := []*operator{join(n, "first", "+15005550006"), join(n, "second", "+15005550012")}
	type state struct {
		phones []phonesim.Phone
		faults []phonesim.Fault
		taken  int
	}
	look := func() (s state) {
		s.phones = n.Phones()
		for i := range s.phones {
			s.phones[i].Call = nil // goes on by itself
		}
		for _, o := range operators {
			s.faults = append(s.faults, o.faults.Now())
			s.taken += len(o.taken)
		}
		return s
	}
	f.Fuzz(func(t *testing.T, door int, text, body string) {
		n.Reset()
		for _, o := range operators {
			o.taken = nil
		}
		operators[0].write(officer, "hello")
		operators[1].call(officer)
		before := look()
		w := knock(n, int(uint(door)%uint(len(doors))), text, body)
		after := look()
		switch w.Code {
		case http.StatusOK, http.StatusCreated, http.StatusNoContent, http.StatusFound, http.StatusMovedPermanently, http.StatusTemporaryRedirect:
		case http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusConflict, http.StatusUnprocessableEntity:
			if !reflect.DeepEqual(before, after) {
				t.Fatalf("%d, and %+v is %+v", w.Code, before, after)
			}
			if kind := w.Header().Get("Content-Type"); kind == "application/problem+json" && !json.Valid(w.Body.Bytes()) {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
		default:
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		for _, p := range after.phones {
			if len(p.Number) < 8 || p.Number[0] != '+' || strings.Trim(p.Number[1:], "0123456789") != "" || !slices.Contains(phonesim.Behaviours(), p.Behaviour) {
				t.Fatalf("a phone %+v", p)
			}
		}
	})
}
