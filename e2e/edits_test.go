package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// TestEditsAtOnceOnTwoNodes makes many edits of one roster at once, on two nodes with one log: of all who accept a cover one has it and the others
// hear who, and everybody who is put into the rotation is in it.
func TestEditsAtOnceOnTwoNodes(t *testing.T) {
	c := newCluster(t, 2, "")
	type person struct {
		ID        string           `json:"id"`
		CallSign  string           `json:"call_sign"`
		Languages []string         `json:"languages"`
		Contacts  []map[string]any `json:"contacts"`
	}
	const many = 8
	var book map[string]any
	_, data, err := call("GET", c.url(0)+"/api/v1/roster", c.coordinator, nil, nil)
	if err == nil {
		err = json.Unmarshal(data, &book)
	}
	if err != nil {
		t.Fatal(err)
	}
	for i := range many {
		book["people"] = append(book["people"].([]any), person{fmt.Sprint("new-", i), fmt.Sprint("WREN-", i), []string{"en"}, []map[string]any{
			{"id": "mobile", "channel": "sms", "address": fmt.Sprintf("+150055502%02d", i), "verified": true},
		}})
	}
	edit := func(i int, method, path string, header map[string]string, body any) (int, string) {
		status, data, err := call(method, c.url(i%2)+"/api/v1/roster"+path, c.coordinator, header, body)
		if err != nil {
			t.Error(err)
		}
		return status, string(data)
	}
	if status, text := edit(0, "PUT", "", map[string]string{"If-Match": fmt.Sprintf(`"%v"`, book["revision"])}, book); status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	var duty struct {
		Roster string
		OnDuty []struct{ Person string } `json:"on_duty"`
	}
	if _, data, err = call("GET", c.url(1)+"/api/v1/duty", c.coordinator, nil, nil); err == nil {
		err = json.Unmarshal(data, &duty)
	}
	if err != nil || len(duty.OnDuty) != 1 {
		t.Fatalf("%s %v", data, err)
	}
	var asked struct{ Cover struct{ ID string } }
	status, text := edit(0, "POST", "/covers", nil, map[string]any{"person": duty.OnDuty[0].Person})
	if err := json.Unmarshal([]byte(text), &asked); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}

	var all sync.WaitGroup
	accepted, added := make([]int, many), make([]int, many)
	told := make([]string, many)
	for i := range many {
		all.Go(func() {
			accepted[i], told[i] = edit(i, "POST", "/covers/"+asked.Cover.ID+"/accept", nil, map[string]any{"person": fmt.Sprint("new-", i)})
		})
		all.Go(func() {
			added[i], _ = edit(i+1, "POST", "/rotation", nil, map[string]any{"operation": "add", "people": []string{fmt.Sprint("new-", i)}})
		})
	}
	all.Wait()
	winner := -1
	for i, status := range accepted {
		switch {
		case status == http.StatusOK && winner >= 0:
			t.Errorf("new-%d and new-%d both have the cover", winner, i)
		case status == http.StatusOK:
			winner = i
		case status != http.StatusConflict:
			t.Errorf("%d %s", status, told[i])
		}
	}
	for i, text := range told {
		if i != winner && !strings.Contains(text, fmt.Sprintf("WREN-%d has already accepted it.", winner)) {
			t.Errorf("new-%d lost to new-%d and hears: %s", i, winner, text)
		}
	}
	_, now := edit(1, "GET", "", nil, nil)
	for i, status := range added {
		if status != http.StatusOK || !strings.Contains(now, fmt.Sprintf(`["new-%d"]`, i)) {
			t.Errorf("new-%d was added (%d) and is lost", i, status)
		}
	}
	if _, data, err = call("GET", c.url(0)+"/api/v1/duty", c.coordinator, nil, nil); err != nil || !strings.Contains(string(data), fmt.Sprintf(`"person":"new-%d"`, winner)) {
		t.Errorf("new-%d has the duty, and it is told: %s %v", winner, data, err)
	}
}
