package web_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dutyline/dutyline/client"
	"github.com/dutyline/dutyline/request"
	"github.com/dutyline/dutyline/roster"
	"github.com/dutyline/dutyline/web"
)

// TestTheClientSpeaksToTheServer calls every method of the client against the real handler.
func TestTheClientSpeaksToTheServer(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewServer(w.web)
	defer server.Close()
	as := func(token string) *client.Client { return client.New(server.URL, token) }
	sender, officer, colleague, coordinator := as(w.sender), as(w.officer), as(w.colleague), as(w.coordinator)
	ctx := t.Context()
	called := map[string]bool{}
	check := func(method string, err error, ok bool, got any) {
		t.Helper()
		called[method] = true
		if err != nil || !ok {
			t.Errorf("%s: %v, %+v", method, err, got)
		}
	}

	receipt, err := sender.Raise(ctx, "k1", []byte(preservation), false)
	check("Raise", err, receipt.Status == request.StatusReceived && len(receipt.Warnings) == 1, receipt)
	ref := receipt.Reference
	yaml, err := sender.Raise(ctx, "", []byte("type: readiness_test\n"), true)
	check("Raise", err, yaml.Type == "readiness_test", yaml)
	shown, err := sender.Show(ctx, ref)
	check("Show", err, reflect.DeepEqual(shown, receipt), shown)
	amended, err := sender.Amend(ctx, ref, shown.Version, []byte(`{"offence":"fraud"}`))
	check("Amend", err, amended.Version == 2 && len(amended.Missing) == len(shown.Missing)-1, amended)
	_, err = sender.Amend(ctx, ref, shown.Version, []byte(`{"offence":"theft"}`))
	if p, ok := errors.AsType[*client.Problem](err); !ok || p.Status != http.StatusPreconditionFailed || p.Code != "version_mismatch" || !client.Refused(err) {
		t.Errorf("an old version: %v", err)
	}

	content, err := officer.Content(ctx, ref)
	check("Content", err, strings.Contains(string(content.Content), secretFacts) && content.Version == 2 && len(content.Warnings) == 1, content)
	w.ask(ref, "ada", request.AlarmBody{Kind: request.AlarmNobody, Cause: "level 2"})
	offered := w.offered(ref)
	handovers, err := officer.Handovers(ctx)
	check("Handovers", err, len(handovers) == 1 && handovers[0].Reference == offered.String() && handovers[0].State == "open" && handovers[0].To[0] == "bruno", handovers)
	took := int64(5040)
	w.web.Canaries = birds{EveryMS: 900_000, Probes: []web.ProbeReport{{Provider: "twilio", State: "ok", Canaries: []web.Flight{{Sent: request.At(w.now), AcknowledgedMS: &took}}}}}
	canary, err := coordinator.Canary(ctx)
	check("Canary", err, canary.EveryMS == 900_000 && canary.Probes[0].State == "ok" && *canary.Probes[0].Canaries[0].AcknowledgedMS == took && canary.Probes[0].Canaries[0].Sent.Equal(w.now), canary)
	w.web.Tester = &tester{w: w}
	page, err := officer.TestPage(ctx, "ada", client.TestOrder{Calls: true})
	check("TestPage", err, page.Person == "ada" && page.State == "open" && len(page.Contacts) == 2 && page.ExpiresAt.After(w.now), page)
	again, err := coordinator.ShowTestPage(ctx, "ada", page.Reference)
	check("ShowTestPage", err, reflect.DeepEqual(again, page), again)
	alarms, err := officer.Alarms(ctx)
	check("Alarms", err, len(alarms) == 1 && alarms[0].Reference == ref && alarms[0].Kind == request.AlarmNobody && alarms[0].Since.Equal(w.now), alarms)
	taken, err := officer.Acknowledge(ctx, ref)
	check("Acknowledge", err, taken.Status == request.StatusAcknowledged, taken)
	if _, err := colleague.Acknowledge(ctx, ref); !client.Refused(err) || !strings.Contains(err.Error(), "KESTREL") {
		t.Errorf("too late: %v", err)
	}
	undone, err := officer.Undo(ctx, ref)
	check("Undo", err, undone.Status == request.StatusReceived && undone.AcknowledgedAt.IsZero(), undone)
	if _, err := colleague.Undo(ctx, ref); !client.Refused(err) {
		t.Errorf("undo of what is not theirs: %v", err)
	}
	raised, err := coordinator.ChangeUrgency(ctx, ref, request.Emergency, "")
	check("ChangeUrgency", err, raised.Urgency == request.Emergency && *raised.UrgencyProposed == request.Critical, raised)
	if _, err := officer.ChangeUrgency(ctx, ref, request.Routine, ""); !client.Refused(err) {
		t.Errorf("less urgent without a reason: %v", err)
	}
	passed, err := officer.Pass(ctx, ref, "end of shift")
	check("Pass", err, passed.Status == request.StatusReceived, passed)

	w.log.setDown(true)
	if _, err := sender.Show(ctx, ref); !client.Unavailable(err) || client.Refused(err) {
		t.Errorf("the log is away: %v", err)
	}
	w.log.setDown(false)

	withdrawn, err := sender.Withdraw(ctx, ref, "solved")
	check("Withdraw", err, withdrawn.Status == request.StatusWithdrawn, withdrawn)
	var statuses []request.Status
	err = sender.Watch(ctx, ref, func(r request.Receipt) error { statuses = append(statuses, r.Status); return nil })
	check("Watch", err, len(statuses) == 1 && statuses[0] == request.StatusWithdrawn, statuses)
	events, err := coordinator.Log(ctx, ref)
	check("Log", err, len(events) > 6 && events[0].Type == request.Received && events[0].Sealed && events[0].Request == ref, events)
	var tail []string
	zero := uint64(0)
	err = coordinator.Tail(ctx, &zero, func(e client.Event) error {
		if tail = append(tail, e.ID); len(tail) == len(events)+1 { // and the one of the other request
			return client.ErrStop
		}
		return nil
	})
	check("Tail", err, len(tail) == len(events)+1 && tail[0] == events[0].ID, tail)

	duty, err := officer.Duty(ctx, "national", w.now.Add(14*24*time.Hour))
	check("Duty", err, len(duty.OnDuty) == 1 && duty.OnDuty[0].CallSign != "" && duty.At.Equal(w.now.Add(14*24*time.Hour)), duty)
	now, err := officer.Duty(ctx, "", time.Time{})
	check("Duty", err, now.At.Equal(w.now) && now.OnDuty[0].Person != duty.OnDuty[0].Person, now)
	w.table.now = web.DutyNow{Roster: "national", Revision: 1, OnDuty: []web.OnDutyNow{{Person: "ada", CallSign: "KESTREL"}}, Source: "memory", AgeSeconds: 9}
	w.table.rebuilt = web.Rebuilt{Revision: 1, After: web.RedisRoster{Document: 1, Same: true, Table: 1, TableUntil: request.At(w.now), Tiles: 3}}
	present, err := officer.DutyNow(ctx, "night")
	check("DutyNow", err, present.Roster == "night" && present.At.Equal(w.now) && present.OnDuty[0].CallSign == "KESTREL" && present.AgeSeconds == 9, present)
	rebuilt, err := coordinator.RebuildRoster(ctx)
	check("RebuildRoster", err, rebuilt.After == client.RedisRoster(w.table.rebuilt.After) && rebuilt.Revision == 1, rebuilt)
	book, err := coordinator.Roster(ctx)
	check("Roster", err, reflect.DeepEqual(book, w.book), book)
	book.People[0].CallSign = "EAGLE"
	book.Rosters[0].Layers[0].Rotation.Until = "2026-03-09"
	preview, err := coordinator.PreviewRoster(ctx, book, book.Revision)
	check("PreviewRoster", err, len(preview.Gaps) == 1 && len(preview.Changed) > 0 && len(preview.Hours) > 0 && w.book.Revision == 1, preview)
	check("PreviewRoster", nil, len(preview.Moves) == len(preview.Changed) && len(preview.Moves[0].Before) == 1 && preview.Moves[0].Roster == "national" &&
		preview.Moves[0].From == preview.Changed[0].From && preview.Load[1].After.Hours > 0 && preview.Load[1].Percent.Hours > 0 && preview.Mean.Hours > 0 && preview.CallSigns["ada"] == "EAGLE", preview)
	stored, err := coordinator.PutRoster(ctx, book, book.Revision, "new call sign")
	check("PutRoster", err, stored.Revision == 2 && stored.People[0].CallSign == "EAGLE", stored)
	if _, err := coordinator.PutRoster(ctx, book, 1, "again"); !client.Refused(err) {
		t.Errorf("an old revision: %v", err)
	}
	gaps, err := officer.Gaps(ctx, "national", time.Time{}, w.now.AddDate(0, 0, 14))
	check("Gaps", err, len(gaps.Gaps) == 1 && gaps.Gaps[0].Roster == "national" && gaps.Gaps[0].Until.Equal(w.now.AddDate(0, 0, 14)) && gaps.From.Equal(w.now), gaps)
	readiness, err := officer.Readiness(ctx, time.Time{}, w.now.AddDate(0, 0, 14))
	check("Readiness", err, len(readiness.People) == len(w.book.People) && readiness.Findings[len(readiness.Findings)-1].Kind == "gap" && len(readiness.Rosters) > 0, readiness)
	fairness, err := coordinator.Fairness(ctx, w.now.AddDate(0, 0, -1), time.Time{})
	check("Fairness", err, len(fairness.People) > 1 && fairness.People[1].Hours > fairness.Mean.Hours && fairness.People[1].Over.Hours > 0 && fairness.From.Equal(w.now.AddDate(0, 0, -1)), fairness)
	back := client.Reversion{Revision: 1, Reason: "back"}
	preview, err = coordinator.PreviewRevert(ctx, back, 2)
	check("PreviewRevert", err, len(preview.Gaps) == 0 && len(preview.Moves) > 0 && w.book.Revision == 2, preview)
	reverted, err := coordinator.RevertRoster(ctx, back, 2)
	check("RevertRoster", err, reverted.Revision == 3 && reverted.People[0].CallSign == "EAGLE" && reverted.Rosters[0].Layers[0].Rotation.Until == "", reverted)
	versions, err := coordinator.RosterHistory(ctx)
	check("RosterHistory", err, len(versions) == 2 && versions[0].Reason == "new call sign" && versions[1].Reason == "back" && versions[0].Actor.ID == "coordinator", versions)

	base := uint64(3)
	preview, err = coordinator.PreviewEdit(ctx, client.RotationEdit{Operation: "remove", Person: "erik"})
	check("PreviewEdit", err, len(preview.Moves) > 0 && w.book.Revision == 3, preview)
	for _, e := range []client.RosterEdit{
		client.RotationEdit{EditHead: client.EditHead{Roster: "national", Base: &base, Reason: "by day"}, Operation: "restrictions", Layer: "primary", At: w.now.AddDate(1, 0, 0), Restrictions: []roster.Restriction{}},
		client.Takeover{Instead: "bruno", Until: w.now.Add(time.Hour)},
		client.GiveBack{},
		client.SwapWish{One: client.WishPart{Person: "ada"}, Other: client.WishPart{Person: "dalia"}, Expires: w.now.Add(time.Hour)},
	} {
		edited, err := officer.EditRoster(ctx, e)
		if _, rotation := e.(client.RotationEdit); rotation {
			edited, err = coordinator.EditRoster(ctx, e)
		}
		check("EditRoster", err, edited.Revision == w.book.Revision && edited.Effect.From.Equal(w.now), edited)
	}
	swaps, err := officer.Swaps(ctx, "national", roster.CoverOpen)
	check("Swaps", err, len(swaps.Swaps) == 1 && swaps.Swaps[0].One.Person == "ada" && swaps.Swaps[0].Expires.Equal(w.now.Add(time.Hour)) && swaps.CallSigns["dalia"] != "", swaps)
	swapped, err := coordinator.EditRoster(ctx, client.SwapAnswer{ID: swaps.Swaps[0].ID, Accept: true, Person: "dalia"})
	check("EditRoster", err, swapped.Changed && swapped.Swap.State == roster.CoverAccepted, swapped)
	wish, err := colleague.EditRoster(ctx, client.CoverWish{To: []string{"ada", "erik"}})
	check("EditRoster", err, wish.Cover != nil && wish.Cover.State == roster.CoverOpen, wish)
	declined, err := officer.EditRoster(ctx, client.CoverAnswer{ID: wish.Cover.ID})
	check("EditRoster", err, declined.Cover.Declined[0] == "ada", declined)
	covers, err := officer.Covers(ctx, "", "")
	check("Covers", err, len(covers.Covers) == 1 && covers.Covers[0].Person == "bruno" && covers.Covers[0].Until.Equal(wish.Cover.Until.Time), covers)

	guarded, err := officer.SetPIN(ctx, "ada", client.PINEdit{PIN: "835172", Reason: "mine"})
	check("SetPIN", err, guarded.Changed && *guarded.PIN == client.PINState{Person: "ada", PIN: true} && w.hasPIN("ada", "835172"), guarded)
	bare, err := coordinator.RemovePIN(ctx, "ada", client.PINEdit{PIN: "835172", Base: &guarded.Revision})
	check("RemovePIN", err, bare.Changed && !bare.PIN.PIN && !w.hasPIN("ada", "835172"), bare)

	added, err := coordinator.AddSender(ctx, client.NewSender{Name: "Polizia Postale", State: "IT"})
	check("AddSender", err, added.Token != nil && added.Token.Text != "" && added.Token.Role == "sender" && added.WebhookSecret == "", added)
	hooked, err := coordinator.AddSender(ctx, client.NewSender{Name: "Guardia", State: "IT", Webhook: "https://receiver.example/hook"})
	check("AddSender", err, hooked.WebhookSecret == "whsec_"+hooked.ID, hooked)
	senders, err := coordinator.Senders(ctx)
	check("Senders", err, len(senders) == 4 && senders[3].WebhookSecret == "", senders)
	check("RevokeSender", coordinator.RevokeSender(ctx, added.ID), true, nil)
	if _, err := as(added.Token.Text).Show(ctx, ref); !client.Refused(err) {
		t.Errorf("a revoked sender: %v", err)
	}
	token, err := coordinator.AddToken(ctx, client.NewToken{Role: "officer", Subject: "carmen", Days: 1})
	check("AddToken", err, token.Text != "" && token.Expires.Equal(w.now.Add(24*time.Hour)), token)
	tokens, err := coordinator.Tokens(ctx)
	check("Tokens", err, len(tokens) > 3 && tokens[0].Text == "", tokens)
	check("RevokeToken", coordinator.RevokeToken(ctx, token.ID), true, nil)
	if _, err := as(token.Text).Duty(ctx, "", time.Time{}); !client.Refused(err) {
		t.Errorf("a revoked token: %v", err)
	}
	gatewayOf(w, "ada")
	key, err := coordinator.WebhookKey(ctx, "ada", "display")
	check("WebhookKey", err, key == client.WebhookKey{Person: "ada", Contact: "display", WebhookSecret: "whsec of " + gateway}, key)
	calendarSpeaks(t, officer, coordinator, check)
	health, err := as("").Health(ctx)
	check("Health", err, health.OK && len(health.Parts) == 1, health)

	kind := reflect.TypeFor[*client.Client]()
	for method := range kind.Methods() {
		if !called[method.Name] {
			t.Errorf("%s was not called", method.Name)
		}
	}
	server.Close()
	if _, err := sender.Show(context.Background(), ref); !client.Unavailable(err) {
		t.Errorf("no server: %v", err)
	}
}
