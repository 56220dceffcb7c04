package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestAnAlarmReachesTheCoordinatorsPhone edits the roster until nobody is on duty, and follows the alarm through the vendor's interface:
// the text, the webhook of its delivery, the code that is sent back, the list.
func TestAnAlarmReachesTheCoordinatorsPhone(t *testing.T) {
	d := newDeploymentWith(t, "DUTYLINE_ALARM_TO=ada")
	coordinator := d.client.Tokens["coordinator"]
	_, data, err := call("GET", d.client.URL+"/api/v1/roster", coordinator, nil, nil)
	var book map[string]any
	if err == nil {
		err = json.Unmarshal(data, &book)
	}
	if err != nil {
		t.Fatalf("read the roster: %v: %s", err, data)
	}
	for _, r := range book["rosters"].([]any) {
		r.(map[string]any)["layers"] = []any{}
	}
	header := map[string]string{"If-Match": fmt.Sprintf(`"%v"`, book["revision"])}
	if status, data, err := call("PUT", d.client.URL+"/api/v1/roster", coordinator, header, book); err != nil || status != http.StatusOK {
		t.Fatalf("edit the roster: %d %v %s", status, err, data)
	}
	var alarms []struct {
		Reference, Kind, Cause string
		Paged                  []string
	}
	list := func() error {
		_, data, err := call("GET", d.client.URL+"/api/v1/alarms", coordinator, nil, nil)
		if err == nil {
			err = json.Unmarshal(data, &alarms)
		}
		if err == nil && (len(alarms) != 1 || len(alarms[0].Paged) != 1) {
			err = fmt.Errorf("alarms %s", data)
		}
		return err
	}
	eventually(t, "the alarm stands and was paged", list)
	if a := alarms[0]; a.Kind != "nobody_on_duty" || a.Cause != "roster" || a.Paged[0] != "ada" || !strings.HasSuffix(a.Reference, "-U") {
		t.Errorf("alarm %+v", a)
	}
	phone, code := "", ""
	eventually(t, "the text arrives", func() error {
		var phones []struct {
			Number string
			Texts  []struct{ Body string }
		}
		_, data, err := call("GET", d.sim+"/sim/phones", "", nil, nil)
		if err == nil {
			err = json.Unmarshal(data, &phones)
		}
		for _, p := range phones {
			for _, text := range p.Texts {
				if strings.Contains(text.Body, "ALARM "+alarms[0].Reference+": nobody is on duty") {
					phone, code = p.Number, sixDigits.FindString(text.Body)
				}
			}
		}
		if err == nil && code == "" {
			err = fmt.Errorf("phones %s", data)
		}
		return err
	})
	if phone != "+15005550101" {
		t.Errorf("the text went to %s", phone)
	}
	if status, data, err := call("POST", d.sim+"/sim/phones/"+phone+"/texts", "", nil, map[string]string{"body": code}); err != nil || status >= 300 {
		t.Fatalf("reply: %d %v %s", status, err, data)
	}
	eventually(t, "its log tells all of it", func() error {
		_, data, err := call("GET", d.client.URL+"/api/v1/requests/"+alarms[0].Reference+"/log", coordinator, nil, nil)
		for _, event := range []string{"alarm_raised", "escalated", "page_ordered", "attempt_sent", "attempt_delivered", "acknowledged"} {
			if err == nil && !strings.Contains(string(data), `"`+event+`"`) {
				err = fmt.Errorf("no %s: %s", event, data)
			}
		}
		return err
	})
	if err := list(); err != nil {
		t.Errorf("looked after, it stands: %v", err)
	}
	if status, data, _ := call("GET", d.client.URL+"/readyz", "", nil, nil); status != http.StatusOK || !strings.Contains(string(data), `{"name":"alarms","ok":true}`) {
		t.Errorf("readyz: %d %s", status, data)
	}
}
