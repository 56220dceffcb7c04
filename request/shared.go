package request

import (
	"slices"
	"unique"
)

// shared gives the one copy that is kept of a text which many requests have in common: a hundred thousand open ones name a few people, a few
// rules and a few fields. Texts that are a request's own are left as they are.
func shared[T ~string](text T) T { return T(unique.Make(string(text)).Value()) }

func sharedList(list []string) []string {
	if list == nil {
		return nil
	}
	out := make([]string, len(list)) // no larger than it must be
	for i, text := range list {
		out[i] = shared(text)
	}
	return out
}

func sharedDue(list []Due) []Due {
	out := slices.Clip(append(make([]Due, 0, len(list)), list...))
	for i := range out {
		out[i].Clock, out[i].Rule = shared(out[i].Clock), shared(out[i].Rule)
	}
	return out
}

// share is applied to what a fold keeps.
func (p *PageBody) share() {
	p.Page, p.Purpose, p.About, p.Recipient = shared(p.Page), shared(p.Purpose), shared(p.About), shared(p.Recipient)
	p.Person, p.Channel, p.Contact, p.Provider, p.Reason = shared(p.Person), shared(p.Channel), shared(p.Contact), shared(p.Provider), shared(p.Reason)
}

// share is applied to what a fold keeps. The provider's id is the attempt's own.
func (a *Attempt) share() {
	a.ID, a.Provider, a.Node, a.Failure, a.Code = shared(a.ID), shared(a.Provider), shared(a.Node), shared(a.Failure), shared(a.Code)
}
