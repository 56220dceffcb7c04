package roster

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// DocumentVersion is the version of the stored document.
const DocumentVersion = 1

// A Document is one revision of the book as it is stored: who edited, when and why, and the book with everything personal sealed.
type Document struct {
	V        int       `json:"v"`
	Revision uint64    `json:"revision"`
	Time     time.Time `json:"time"`
	Actor    Actor     `json:"actor"`
	Reason   string    `json:"reason,omitempty"`
	Book     Book      `json:"book"`             // people without names and addresses
	Sealed   Sealed    `json:"sealed,omitempty"` // person → personal fields
}

// An Actor is who made an edit.
type Actor struct {
	Kind ActorKind `json:"kind"`
	ID   string    `json:"id"` // opaque
}

// An ActorKind says in what capacity somebody edits. Kinds unknown to a reader are kept as they are.
type ActorKind string

// The kinds of actor.
const (
	Coordinator ActorKind = "coordinator"
	System      ActorKind = "system" // the seed of a first start
)

// Sealed holds the personal fields of each person, encrypted.
type Sealed map[string][]byte

// personal is what is sealed of a person.
type personal struct {
	Name      string            `json:"name,omitempty"`
	Addresses map[string]string `json:"addresses,omitempty"` // contact → E.164
}

// SealID is the id under which a person's fields of a revision are sealed.
func SealID(revision uint64) string { return "roster." + strconv.FormatUint(revision, 10) }

// Encode makes the stored document of an edit's book, whose revision must be set. seal encrypts the personal fields of one person; its
// errors are wrapped. An erased person is stored without personal fields, whatever the edit says.
func Encode(edit Edit, at time.Time, seal func(person string, plain []byte) ([]byte, error)) ([]byte, error) {
	d := Document{
		V: DocumentVersion, Revision: edit.Book.Revision, Time: at.UTC(), Actor: Actor{cmp.Or(edit.ActorKind, Coordinator), edit.Actor},
		Reason: edit.Reason, Book: edit.Book, Sealed: Sealed{},
	}
	d.Book.People = make([]Person, len(edit.Book.People)) // the caller's people keep their names
	for i, p := range edit.Book.People {
		clean, private := split(p)
		d.Book.People[i] = clean
		if p.Erased {
			continue
		}
		plain, err := json.Marshal(private)
		if err != nil {
			return nil, fmt.Errorf("encode the roster: %w", err)
		}
		if d.Sealed[p.ID], err = seal(p.ID, plain); err != nil {
			return nil, fmt.Errorf("encode the roster: %w", err)
		}
	}
	data, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("encode the roster: %w", err)
	}
	return data, nil
}

// split takes a person apart into what everybody may read and what is sealed.
func split(p Person) (clean Person, private personal) {
	clean, private = p, personal{Name: p.Name, Addresses: map[string]string{}}
	clean.Name, clean.Contacts = "", []Contact{}
	if p.Erased {
		return clean, personal{}
	}
	for _, c := range p.Contacts {
		private.Addresses[c.ID] = c.Address
		c.Address = ""
		clean.Contacts = append(clean.Contacts, c)
	}
	return clean, private
}

// Decode reads a stored document. open decrypts the personal fields of one person; erased says that they are gone for ever, and the
// person stays in the book without a name or a contact.
func Decode(data []byte, open func(person string, sealed []byte) (plain []byte, erased bool, err error)) (Document, error) {
	d, err := Header(data)
	if err != nil {
		return Document{}, err
	}
	for i := range d.Book.People {
		p := &d.Book.People[i]
		if p.Erased {
			continue
		}
		plain, erased, err := open(p.ID, d.Sealed[p.ID])
		if err != nil {
			return Document{}, fmt.Errorf("read the roster's revision %d: %w", d.Revision, err)
		}
		if erased {
			p.Erased, p.Contacts = true, []Contact{} // an empty address must not look like somewhere to send
			continue
		}
		var private personal
		if err := json.Unmarshal(plain, &private); err != nil {
			return Document{}, fmt.Errorf("read the roster's revision %d: %w", d.Revision, err)
		}
		p.Name = private.Name
		for j := range p.Contacts {
			p.Contacts[j].Address = private.Addresses[p.Contacts[j].ID]
		}
	}
	return d, nil
}

// Header reads a stored document and leaves what is personal sealed.
func Header(data []byte) (Document, error) {
	var d Document
	if err := json.Unmarshal(data, &d); err != nil {
		return Document{}, fmt.Errorf("read the roster: %w", err)
	}
	if d.V != DocumentVersion {
		return Document{}, fmt.Errorf("read the roster: the document has version %d, this program knows %d: update it", d.V, DocumentVersion)
	}
	return d, nil
}

// Same reports whether two books are stored as the same, but for the revision.
func Same(a, b Book) bool {
	return a.canonical() == b.canonical()
}

// canonical is a book as it is stored, without revision and schema; what is absent is the same as what is empty, and an instant is the same
// in every zone.
func (b Book) canonical() string {
	b.Schema, b.Revision = 0, 0
	people := []Person{}
	for _, p := range b.People {
		if p.Erased {
			p.Name, p.Contacts = "", nil
		}
		p.Languages, p.Contacts = append([]string{}, p.Languages...), append([]Contact{}, p.Contacts...)
		people = append(people, p)
	}
	teams := []Team{}
	for _, t := range b.Teams {
		t.Members = append([]string{}, t.Members...)
		teams = append(teams, t)
	}
	rosters := []Roster{}
	for _, r := range b.Rosters {
		layers, overrides := []Layer{}, []Override{}
		for _, l := range r.Layers {
			turns := [][]string{}
			for _, people := range l.Rotation.Turns {
				turns = append(turns, append([]string{}, people...))
			}
			l.Rotation.Turns = turns
			layers = append(layers, l)
		}
		for _, o := range r.Overrides {
			o.From, o.Until, o.People = o.From.UTC(), o.Until.UTC(), append([]string{}, o.People...)
			overrides = append(overrides, o)
		}
		r.Layers, r.Overrides = layers, overrides
		rosters = append(rosters, r)
	}
	b.People, b.Teams, b.Rosters = people, teams, rosters
	data, err := json.Marshal(b)
	if err != nil { // a year that RFC 3339 cannot write, which cannot be stored either
		return err.Error()
	}
	return string(data)
}
