package roster

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"
)

// DocumentVersion is the newest version of the stored document. A document is stored in the oldest version that says everything about it: a
// program that knows an older one reads what it understands in full, and refuses what would put somebody else on duty there.
const DocumentVersion = 2

// version is the oldest version of a document that says who is on duty by this book. Version 1 had rotations of days and weeks, and
// overrides of whole rosters.
func (b Book) version() int {
	if len(b.Leave) > 0 || slices.ContainsFunc(b.People, func(p Person) bool { return p.ActiveFrom+p.ActiveUntil != "" || p.rated() }) {
		return 2
	}
	for _, r := range b.Rosters {
		if len(r.Covers)+len(r.Swaps)+len(r.Shadows) > 0 || !r.Until.IsZero() || slices.ContainsFunc(r.Overrides, func(o Override) bool { return o.Layer != "" }) {
			return 2
		}
		for _, l := range r.Layers {
			rotation := l.Rotation
			if len(l.Restrictions)+len(l.Past) > 0 || (rotation.Unit != Days && rotation.Unit != Weeks) || rotation.Weekday != "" || rotation.First != 0 {
				return 2
			}
		}
	}
	return 1
}

// rated reports whether a language has a level, which version 1 cannot read.
func (p Person) rated() bool {
	return slices.ContainsFunc(p.Languages, func(l Language) bool { return l.Level != "" })
}

// A Document is one revision of the book as it is stored: who edited, when and why, and the book with everything personal sealed.
type Document struct {
	V        int       `json:"v"`
	Revision uint64    `json:"revision"`
	Time     time.Time `json:"time"`
	Actor    Actor     `json:"actor"`
	Reason   string    `json:"reason,omitempty"`
	// Confirmed are the people whom the edit put on duty without a verified telephone, which its actor has confirmed.
	Confirmed []string `json:"confirmed,omitempty"`
	Book      Book     `json:"book"`             // people without names and addresses
	Sealed    Sealed   `json:"sealed,omitempty"` // person → personal fields
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
	Officer     ActorKind = "officer" // for themselves
	System      ActorKind = "system"  // the seed of a first start
)

// Sealed holds the personal fields of each person, encrypted.
type Sealed map[string][]byte

// personal is what is sealed of a person.
type personal struct {
	Name      string            `json:"name,omitempty"`
	Addresses map[string]string `json:"addresses,omitempty"` // contact → E.164
	PINDigest string            `json:"pin_digest,omitempty"`
}

// SealID is the id under which a person's fields of a revision are sealed.
func SealID(revision uint64) string { return "roster." + strconv.FormatUint(revision, 10) }

// Encode makes the stored document of an edit's book, whose revision must be set. seal encrypts the personal fields of one person; its
// errors are wrapped. An erased person is stored without personal fields, whatever the edit says.
func Encode(edit Edit, at time.Time, seal func(person string, plain []byte) ([]byte, error)) ([]byte, error) {
	d := Document{
		V: edit.Book.version(), Revision: edit.Book.Revision, Time: at.UTC(), Actor: Actor{cmp.Or(edit.ActorKind, Coordinator), edit.Actor},
		Reason: edit.Reason, Confirmed: edit.Confirmed, Book: edit.Book, Sealed: Sealed{},
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
	clean, private = p, personal{Name: p.Name, Addresses: map[string]string{}, PINDigest: p.PINDigest}
	clean.Name, clean.PINDigest, clean.PIN, clean.Contacts = "", "", false, []Contact{}
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
		p.Name, p.PINDigest = private.Name, private.PINDigest
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
	if d.V < 1 || d.V > DocumentVersion {
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
			p.Name, p.PINDigest, p.Contacts = "", "", nil
		}
		p.PIN = false // it is not stored
		people = append(people, p)
	}
	b.People = people
	data, err := json.Marshal(plain(reflect.ValueOf(b)))
	if err != nil { // a year that RFC 3339 cannot write, which cannot be stored either
		return err.Error()
	}
	return string(data)
}

// plain is a value of a book as maps and lists, without empty lists and with every instant in UTC.
func plain(v reflect.Value) any {
	switch at, instant := reflect.TypeAssert[time.Time](v); {
	case instant:
		return at.UTC()
	case v.Kind() == reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return plain(v.Elem())
	case v.Kind() == reflect.Slice:
		list := []any{}
		for i := range v.Len() {
			list = append(list, plain(v.Index(i)))
		}
		return list
	case v.Kind() == reflect.Struct:
		members := map[string]any{}
		for i := range v.NumField() {
			members[v.Type().Field(i).Name] = plain(v.Field(i))
		}
		return members
	}
	return v.Interface()
}
