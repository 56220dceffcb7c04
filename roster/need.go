package roster

import (
	"cmp"
	"slices"
	"strings"
)

// A Need is what a request asks of whoever takes it. Both are wishes: a page waits for neither.
type Need struct {
	Language  string // BCP 47; "" is any
	Authority string // as in [Person.Authorities]; "" is none
}

// A Choice is a person, and what speaks for asking them before others.
type Choice struct {
	Person string
	Why    []string
}

// workingLevel is the least level of a language in which somebody can work.
const workingLevel = Level("b1")

// rank is how well a person speaks a language: 0 not at all, then by level. Whoever has not said how well works in it. Only the language
// itself counts, not region or script.
func (p Person) rank(tag string) (int, Language) {
	base, _, _ := strings.Cut(strings.ToLower(tag), "-")
	best, spoken := 0, Language{}
	for _, l := range p.Languages {
		if have, _, _ := strings.Cut(strings.ToLower(l.Tag), "-"); have != base {
			continue
		}
		rank := len(levels)
		if l.Level != "" {
			rank = slices.Index(levels, l.Level) + 1
		}
		if rank > best {
			best, spoken = rank, l
		}
	}
	return best, spoken
}

// speaks reports whether a person speaks a language at a level or better; "" is the level in which one can work.
func (p Person) speaks(l Language) bool {
	rank, _ := p.rank(l.Tag)
	return rank > slices.Index(levels, cmp.Or(l.Level, workingLevel))
}

// Prefer orders people by a need: first who has both the language and the authority, then who has the authority (a language can be
// interpreted, a decision cannot), then who has the language, then the others; the better language first, and otherwise as they were. Nobody
// is left out. missing says what none of them has. An authority counts for nothing in a book that gives authorities to nobody.
func (c *Compiled) Prefer(people []string, need Need) (order []Choice, missing []string) {
	if !c.ranked {
		need.Authority = ""
	}
	type candidate struct {
		Choice
		authority, language bool
		rank                int
	}
	list := make([]candidate, len(people))
	spoken, held := need.Language == "", need.Authority == ""
	for i, id := range people {
		p, _ := c.Person(id)
		one := candidate{Choice: Choice{Person: id}}
		if need.Authority != "" && slices.Contains(p.Authorities, need.Authority) {
			one.authority, held = true, true
			one.Why = append(one.Why, "may decide: "+need.Authority)
		}
		if need.Language != "" {
			var l Language
			one.rank, l = p.rank(need.Language)
			one.language = p.speaks(Language{Tag: need.Language})
			spoken = spoken || one.language
			if one.rank > 0 {
				one.Why = append(one.Why, strings.TrimSpace("speaks "+l.Tag+" "+string(l.Level)))
			}
		}
		list[i] = one
	}
	order = make([]Choice, 0, len(list))
	slices.SortStableFunc(list, func(a, b candidate) int {
		return cmp.Or(truth(b.authority && b.language)-truth(a.authority && a.language), truth(b.authority)-truth(a.authority),
			truth(b.language)-truth(a.language), b.rank-a.rank)
	})
	for _, one := range list {
		order = append(order, one.Choice)
	}
	if !spoken {
		missing = append(missing, "nobody on duty speaks "+need.Language)
	}
	if !held {
		missing = append(missing, "nobody on duty may decide: "+need.Authority)
	}
	return order, missing
}

func truth(is bool) int {
	if is {
		return 1
	}
	return 0
}
