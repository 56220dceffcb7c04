package intake_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dutyline/dutyline/intake"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/vault"
)

// memory is the stream of requests and the stream of keys.
type memory struct {
	mu   sync.Mutex
	seq  uint64
	logs map[request.Ref][]request.Stored
	keys map[string][]vault.Message
	down bool
}

func newMemory() *memory {
	return &memory{logs: map[request.Ref][]request.Stored{}, keys: map[string][]vault.Message{}}
}

func (m *memory) append(ref request.Ref, data []byte) uint64 {
	m.seq++
	m.logs[ref] = append(m.logs[ref], request.Stored{Seq: m.seq, Data: data})
	return m.seq
}

func (m *memory) Append(_ context.Context, ref request.Ref, _ string, data []byte, expect uint64, _ bool) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	last := uint64(0)
	if log := m.logs[ref]; len(log) > 0 {
		last = log[len(log)-1].Seq
	}
	switch {
	case m.down:
		return 0, intake.ErrUnavailable
	case last != expect:
		return 0, intake.ErrConflict
	}
	return m.append(ref, data), nil
}

func (m *memory) History(_ context.Context, ref request.Ref) ([]request.Stored, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.logs[ref]), nil
}

// keyStore is the vault's view of the memory.
type keyStore struct{ *memory }

func (m keyStore) Append(_ context.Context, subject, _ string, data []byte, after uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	list, last := m.keys[subject], uint64(0)
	if len(list) > 0 {
		last = list[len(list)-1].Seq
	}
	if last != after {
		return vault.ErrConflict
	}
	m.seq++
	m.keys[subject] = append(list, vault.Message{Seq: m.seq, Data: data})
	return nil
}

func (m keyStore) Messages(_ context.Context, subject string) ([]vault.Message, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.keys[subject]), nil
}

func (m keyStore) SecureDelete(_ context.Context, seq uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for subject, list := range m.keys {
		m.keys[subject] = slices.DeleteFunc(list, func(e vault.Message) bool { return e.Seq == seq })
	}
	return nil
}

var deployment = vault.NewDeploymentKey()

func service(m *memory) (*intake.Service, *vault.Vault) {
	v := vault.New(deployment, keyStore{m})
	return intake.New(intake.Options{
		Log: m, Sealer: v, Deployment: deployment, Node: "n1",
		Now: func() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) },
	}), v
}

const body = `{"type":"preservation","urgency":"critical","offence":"Fraud by Mallory","colour":"red","details":{"data":"mailbox at ExampleNet"}}`

func TestSameKeyGetsTheFirstAnswerForEver(t *testing.T) {
	m := newMemory()
	s, _ := service(m)
	first, err := s.Raise(t.Context(), "s1", "k1", []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if first.Receipt.Status != request.StatusReceived || len(first.Receipt.Missing) == 0 || len(first.Receipt.Warnings) != 1 || len(first.Receipt.Due) == 0 {
		t.Errorf("receipt %+v", first.Receipt)
	}
	if _, err := s.Withdraw(t.Context(), "s1", first.Ref, "found elsewhere"); err != nil {
		t.Fatal(err)
	}
	other, _ := service(m) // another node, or the next life of this one
	again, err := other.Raise(t.Context(), "s1", "k1", []byte(strings.ReplaceAll(body, `,`, ` , `)))
	if err != nil || !reflect.DeepEqual(again.Receipt, first.Receipt) {
		t.Errorf("again %+v, %v", again.Receipt, err)
	}
	if _, err := s.Raise(t.Context(), "s1", "k1", []byte(`{"type":"preservation"}`)); !errors.Is(err, intake.ErrKeyReused) {
		t.Errorf("other body: %v", err)
	}
	for _, other := range [][2]string{{"s2", "k1"}, {"s1", "k2"}, {"s1", ""}, {"s1", ""}} {
		if r, err := s.Raise(t.Context(), other[0], other[1], []byte(body)); err != nil || r.Ref == first.Ref {
			t.Errorf("%v: %v %v", other, r.Ref, err)
		}
	}
	if len(m.logs) != 5 {
		t.Errorf("%d requests", len(m.logs))
	}
}

func TestTakenReferenceIsPassedOver(t *testing.T) {
	m := newMemory()
	s, _ := service(m)
	probe, err := s.Raise(t.Context(), "s1", "k1", []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	foreign := m.logs[probe.Ref][0].Data
	var c request.Commit
	if err := json.Unmarshal(foreign, &c); err != nil {
		t.Fatal(err)
	}
	c.Events[0].Body = json.RawMessage(strings.Replace(string(c.Events[0].Body), `"origin":"`, `"origin":"0`, 1))
	data, _ := c.Encode()
	m.logs = map[request.Ref][]request.Stored{probe.Ref: {{Seq: 1, Data: data}}}
	again, err := s.Raise(t.Context(), "s1", "k1", []byte(body))
	if err != nil || again.Ref == probe.Ref {
		t.Fatalf("%s %v", again.Ref, err)
	}
	if third, err := s.Raise(t.Context(), "s1", "k1", []byte(body)); err != nil || third.Ref != again.Ref {
		t.Errorf("%s %v, want %s", third.Ref, err, again.Ref)
	}
}

func TestContentIsSealedAndCanBeErased(t *testing.T) {
	m := newMemory()
	s, v := service(m)
	r, err := s.Raise(t.Context(), "s1", "k1", []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Withdraw(t.Context(), "s1", r.Ref, "Mallory was arrested"); err != nil {
		t.Fatal(err)
	}
	for _, c := range m.logs[r.Ref] {
		for _, secret := range []string{"Mallory", "ExampleNet", "colour", "red"} {
			if strings.Contains(string(c.Data), secret) {
				t.Errorf("%q lies in clear in the log: %s", secret, c.Data)
			}
		}
	}
	content, err := s.Content(t.Context(), r.Ref)
	if err != nil || !strings.Contains(string(content.Content), "Mallory") {
		t.Errorf("content %s, %v", content.Content, err)
	}
	if err := v.Erase(t.Context(), string(r.Ref)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Content(t.Context(), r.Ref); !errors.Is(err, intake.ErrErased) {
		t.Errorf("content after erasure: %v", err)
	}
	if receipt, err := s.Show(t.Context(), "s1", r.Ref); err != nil || receipt.Status != request.StatusWithdrawn {
		t.Errorf("status after erasure: %+v %v", receipt, err)
	}
	if _, err := request.Verify(r.Ref, m.logs[r.Ref]); err != nil {
		t.Errorf("history after erasure: %v", err)
	}
}

func TestAmendmentSuppliesWhatWasMissing(t *testing.T) {
	m := newMemory()
	s, _ := service(m)
	r, err := s.Raise(t.Context(), "s1", "k1", []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	patch := `{"facts":"Logs roll over at midnight","colour":null}`
	amended, err := s.Amend(t.Context(), "s1", r.Ref, r.Receipt.Version, []byte(patch))
	if err != nil {
		t.Fatal(err)
	}
	if len(amended.Receipt.Missing) != len(r.Receipt.Missing)-1 || len(amended.Receipt.Warnings) != 0 || amended.Receipt.Version != r.Receipt.Version+1 {
		t.Errorf("receipt %+v", amended.Receipt)
	}
	if shown, err := s.Show(t.Context(), "s1", r.Ref); err != nil || !reflect.DeepEqual(shown, amended.Receipt) {
		t.Errorf("shown %+v, %v", shown, err)
	}
	if _, err := s.Amend(t.Context(), "s1", r.Ref, r.Receipt.Version, []byte(patch)); !errors.Is(err, intake.ErrVersion) {
		t.Errorf("an old version: %v", err)
	}
	version := amended.Receipt.Version
	if again, err := s.Amend(t.Context(), "s1", r.Ref, version, []byte(patch)); err != nil || again.Receipt.Version != version {
		t.Errorf("a patch without effect: %+v %v", again.Receipt, err)
	}
	var invalid *intake.InvalidError
	for _, bad := range []string{`{"type":"emergency_disclosure"}`, `{"urgency":"routine"}`, `{"offence":7}`, `{"type":null}`} {
		if _, err := s.Amend(t.Context(), "s1", r.Ref, version, []byte(bad)); !errors.As(err, &invalid) || invalid.Fields[0].Fix == "" {
			t.Errorf("%s: %v", bad, err)
		}
	}
	for _, bad := range []string{`[]`, `null`, `{`} {
		if _, err := s.Amend(t.Context(), "s1", r.Ref, version, []byte(bad)); !errors.Is(err, request.ErrUnreadable) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if _, err := s.Withdraw(t.Context(), "s1", r.Ref, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Amend(t.Context(), "s1", r.Ref, version+1, []byte(patch)); !errors.Is(err, intake.ErrEnded) {
		t.Errorf("after the withdrawal: %v", err)
	}
}

func TestSomebodyElsesRequestIsNotFound(t *testing.T) {
	m := newMemory()
	s, _ := service(m)
	r, err := s.Raise(t.Context(), "s1", "k1", []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Show(t.Context(), "s2", r.Ref); !errors.Is(err, intake.ErrNotFound) {
		t.Error(err)
	}
	if _, err := s.Withdraw(t.Context(), "s2", r.Ref, "x"); !errors.Is(err, intake.ErrNotFound) {
		t.Error(err)
	}
	if _, err := s.Amend(t.Context(), "s2", r.Ref, 1, []byte(`{}`)); !errors.Is(err, intake.ErrNotFound) {
		t.Error(err)
	}
}

func TestBadInputIsExplainedAndNothingIsStored(t *testing.T) {
	m := newMemory()
	s, _ := service(m)
	var invalid *intake.InvalidError
	for _, bad := range []string{`{}`, `{"type":"spell"}`, `{"type":"preservation","facts":[]}`, `[]`} {
		if _, err := s.Raise(t.Context(), "s1", "k", []byte(bad)); !errors.As(err, &invalid) || invalid.Fields[0].Fix == "" {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if _, err := s.Raise(t.Context(), "s1", "k", []byte(`{"type":`)); !errors.Is(err, request.ErrUnreadable) {
		t.Error(err)
	}
	m.down = true
	if _, err := s.Raise(t.Context(), "s1", "k", []byte(body)); !errors.Is(err, intake.ErrUnavailable) {
		t.Error(err)
	}
	if len(m.logs) != 0 {
		t.Errorf("%d requests stored", len(m.logs))
	}
}

func TestRacersWithOneKeyMakeOneRequest(t *testing.T) {
	m := newMemory()
	var wg sync.WaitGroup
	refs := make([]request.Ref, 16)
	for i := range refs {
		wg.Go(func() {
			s, _ := service(m)
			r, err := s.Raise(t.Context(), "s1", "k1", []byte(body))
			if err != nil {
				t.Error(err)
			}
			refs[i] = r.Ref
		})
	}
	wg.Wait()
	if len(m.logs) != 1 || len(slices.Compact(refs)) != 1 {
		t.Errorf("%d requests, references %v", len(m.logs), refs)
	}
}

func TestWhatDoesNotFitTheLogIsTurnedAwayAndNothingIsStored(t *testing.T) {
	m := newMemory()
	s, _ := service(m)
	many := `{"type":"preservation"`
	for i := range 20000 {
		many += `,"m` + strconv.Itoa(i) + `":1`
	}
	for name, body := range map[string]string{
		"a warning for each member": many + "}",
	} {
		if len(body) > request.MaxBody {
			t.Fatalf("%s: no test, the body has %d bytes", name, len(body))
		}
		if _, err := s.Raise(t.Context(), "s1", "", []byte(body)); !errors.Is(err, intake.ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(m.logs) != 0 {
		t.Error("something was stored")
	}
	marked := `{"type":"preservation","facts":"` + strings.Repeat("<", request.MaxBody-100) + `"}` // would be six times as much if it were escaped
	if _, err := s.Raise(t.Context(), "s1", "marked", []byte(marked)); err != nil {
		t.Errorf("text full of <: %v", err)
	}
	result, err := s.Raise(t.Context(), "s1", "", []byte(`{"type":"preservation"}`))
	if err != nil {
		t.Fatal(err)
	}
	ref := result.Ref
	for i := 0; err == nil && i < 8; i++ { // each amendment is small enough, and they add up
		result, err = s.Amend(t.Context(), "s1", ref, result.Receipt.Version, []byte(`{"part`+strconv.Itoa(i)+`":"`+strings.Repeat("x", 200_000)+`"}`))
	}
	if !errors.Is(err, intake.ErrTooLarge) {
		t.Errorf("amendments: %v", err)
	}
	if n := len(m.logs[ref]); n < 3 || n > 5 {
		t.Errorf("%d commits", n)
	}
}

func TestClocksAtAnotherUrgencyAreThoseOfTheContent(t *testing.T) {
	m := newMemory()
	s, v := service(m)
	r, err := s.Raise(t.Context(), "s1", "k1", []byte(`{"type":"eu_urgent_information","urgency":"routine","details":{"accessibility":"direct"}}`))
	if err != nil {
		t.Fatal(err)
	}
	state := request.NewState(r.Ref)
	if err := state.Apply(m.logs[r.Ref][0].Seq, m.logs[r.Ref][0].Data); err != nil {
		t.Fatal(err)
	}
	due, err := s.Clocks(t.Context(), state, request.Urgent)
	if err != nil || len(due) != 2 || !due[0].At.Equal(state.Received.Add(time.Hour)) || !due[1].At.Equal(state.Received.Add(8*time.Hour)) || due[1].Rule == "" {
		t.Errorf("clocks %v, %v", due, err)
	}
	if err := v.Erase(t.Context(), string(r.Ref)); err != nil {
		t.Fatal(err)
	}
	due, err = s.Clocks(t.Context(), state, request.Urgent)
	if err != nil || len(due) != 2 || due[0].Clock != "acknowledge" || due[1] != state.Due[0] {
		t.Errorf("after erasure: %v, %v", due, err)
	}
}
