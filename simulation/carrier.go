package simulation

import "time"

// trouble is what carriers do to texts, in both directions.
type trouble string

// The kinds of trouble.
const (
	loses    trouble = "loses"    // three in ten, and says nothing
	fails    trouble = "fails"    // some, and says so
	delays   trouble = "delays"   // by seconds up to ten minutes
	doubles  trouble = "doubles"  // the copy comes later
	reorders trouble = "reorders" // those that go within a minute
	lies     trouble = "lies"     // says of most that it delivered them, and never did
)

// route is where a carrier has trouble: between a provider and a person's telephone; "" is any.
type route struct{ provider, person string }

// carriers are what lies between providers and telephones.
type carriers struct {
	w    *night
	does map[trouble]map[route]int // → causes
}

// has reports whether texts on a route meet a trouble now.
func (c *carriers) has(t trouble, provider, person string) bool {
	at := c.does[t]
	if len(at) == 0 {
		return false
	}
	return at[route{}] > 0 || at[route{provider: provider}] > 0 || at[route{person: person}] > 0 || at[route{provider, person}] > 0
}

// change adds to the causes of a trouble, or takes from them.
func (c *carriers) change(t trouble, r route, by int) {
	if c.does[t] == nil {
		c.does[t] = map[route]int{}
	}
	if c.does[t][r] += by; c.does[t][r] == 0 {
		delete(c.does[t], r)
	}
	c.w.audit.survey()
}

// fate is what becomes of one text.
type fate struct {
	arrives bool
	failed  bool          // the carrier says that it did not arrive
	silent  bool          // it says nothing
	late    time.Duration // longer under way than others
	again   time.Duration // how long after it its copy comes; 0: there is none
}

// carry draws the fate of a text on a route.
func (c *carriers) carry(d *dice, provider, person string) fate {
	sum := &c.w.sum.Texts
	sum.Sent++
	switch {
	case c.has(lies, provider, person) && d.chance(0.6):
		sum.LiedAbout++
		return fate{}
	case c.has(loses, provider, person) && d.chance(0.3):
		sum.Lost++
		return fate{silent: true}
	case c.has(fails, provider, person) && d.chance(0.3):
		sum.Lost++
		return fate{failed: true}
	}
	f := fate{arrives: true}
	if c.has(delays, provider, person) {
		f.late = d.between(10*time.Second, 10*time.Minute)
		sum.Late++
	}
	if c.has(reorders, provider, person) {
		f.late += d.between(0, time.Minute)
		sum.Reordered++
	}
	if c.has(doubles, provider, person) {
		f.again = d.between(time.Second, 10*time.Minute)
		sum.Twice++
	}
	return f
}

// texts counts what became of texts between providers and telephones.
type texts struct {
	Sent      int `json:"sent"` // in both directions
	Lost      int `json:"lost"`
	Late      int `json:"late"`
	Twice     int `json:"twice"`
	Reordered int `json:"reordered"`  // held back for less than a minute, so that later ones overtake
	LiedAbout int `json:"lied_about"` // called delivered, and never arrived
}

func (t *texts) add(of texts) {
	t.Sent += of.Sent
	t.Lost += of.Lost
	t.Late += of.Late
	t.Twice += of.Twice
	t.Reordered += of.Reordered
	t.LiedAbout += of.LiedAbout
}
