package simulation

import (
	"errors"
	"time"

	"github.com/dutyline/dutyline/request"
)

// errConflict says that the head was not the expected one: somebody else appended first. Nothing was stored.
var errConflict = errors.New("the log has moved on")

// duplicates is for how long the log knows ids, as the server of the real one.
const duplicates = 2 * time.Minute

// An entry is one commit as it lies in the log.
type entry struct {
	subject request.Ref
	seq     uint64
	at      time.Time // the log's stamp
	id      string
	closed  bool
	read    *request.Parsed // of data, once for all nodes; nil in a log that is told not to read
	data    []byte
}

// A memoryLog is a log in memory that keeps the promises of package eventlog: the same suite of tests says so. Not safe for concurrent use.
type memoryLog struct {
	now      func() time.Time
	entries  []entry // entry n has the sequence n+1
	subjects map[request.Ref][]uint64
	ids      map[string]uint64 // → last sequence under that id
	follow   []func(*entry)
	forgets  bool // it stores again what is repeated: a test lets it lie
}

func newMemoryLog(now func() time.Time) *memoryLog {
	return &memoryLog{now: now, entries: make([]entry, 0, 512), subjects: map[request.Ref][]uint64{}, ids: map[string]uint64{}}
}

// anyHead expects nothing: a fact.
const anyHead = ^uint64(0)

// append stores a commit and gives its sequence. expect is the head that its subject must have, 0 for none yet, or [anyHead]. The same id again
// gives the sequence of the first time: a decision's for ever, a fact's within the window of duplicates. The data is kept: do not modify.
func (l *memoryLog) append(subject request.Ref, id string, data []byte, expect uint64, closed bool) (uint64, error) {
	now := l.now()
	if seq, ok := l.ids[id]; ok && !l.forgets && l.at(seq).subject == subject && now.Sub(l.at(seq).at) <= duplicates {
		return seq, nil
	}
	seqs := l.subjects[subject]
	if expect != anyHead {
		for _, seq := range seqs {
			if seq > expect { // whoever took the place after the expected head …
				if l.at(seq).id == id {
					if l.forgets {
						expect = l.head(subject)
						break
					}
					return seq, nil // … was this very append, whose acknowledgement was lost
				}
				return 0, errConflict
			}
		}
		if l.head(subject) != expect {
			return 0, errConflict
		}
	}
	seq := uint64(len(l.entries)) + 1
	e := entry{subject: subject, seq: seq, at: now, id: id, closed: closed, data: data}
	e.read = request.Parse(data)
	l.entries = append(l.entries, e)
	l.subjects[subject] = append(seqs, seq)
	l.ids[id] = seq
	for _, fn := range l.follow {
		fn(l.at(seq))
	}
	return seq, nil
}

// at is the entry of a sequence. The pointer is good until the next append.
func (l *memoryLog) at(seq uint64) *entry { return &l.entries[seq-1] }

// end is the last sequence of the log, 0 while it is empty.
func (l *memoryLog) end() uint64 { return uint64(len(l.entries)) }

// head is the last sequence of a subject, 0 when it has none.
func (l *memoryLog) head(subject request.Ref) uint64 {
	if seqs := l.subjects[subject]; len(seqs) > 0 {
		return seqs[len(seqs)-1]
	}
	return 0
}

// history lists the sequences of a subject. Do not modify.
func (l *memoryLog) history(subject request.Ref) []uint64 { return l.subjects[subject] }

// summaries lists the last sequence of every subject, in the order of the log.
func (l *memoryLog) summaries() []uint64 {
	var list []uint64
	for i := range l.entries {
		if e := &l.entries[i]; l.head(e.subject) == e.seq {
			list = append(list, e.seq)
		}
	}
	return list
}

// replay calls fn for the entries of some subjects up to a sequence, in the order of the log, and ends with the first error of fn.
func (l *memoryLog) replay(wanted map[request.Ref]bool, upTo uint64, fn func(*entry) error) error {
	for seq := uint64(1); seq <= min(upTo, l.end()); seq++ {
		if e := l.at(seq); wanted[e.subject] {
			if err := fn(e); err != nil {
				return err
			}
		}
	}
	return nil
}
