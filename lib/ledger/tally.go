package ledger

import (
	"encoding/binary"
	"hash/maphash"
	"iter"
	"math/bits"
	"math/rand/v2"
)

// A tally is sums by user. It is asked once a line, with a slice of the log. A
// hash table of its own answers in less than half the time of a map: a user's
// name, or how it begins, and sums are one line of the processor's cache, which
// is all that has to be fetched; and no string has to be made.
type tally struct {
	seeds
	slots []slot // a power of two, at most half of which are taken
	users []tallied
}

// A slot leads to a user.
type slot struct {
	hash uint32 // to compare before the name is looked at
	user uint32 // index, plus 1; 0 = free
}

type tallied struct {
	start prefix
	name  string
	sums
}

// A prefix is the first 16 bytes of a name, filled up with zeros.
type prefix struct{ low, high uint64 }

// seeds make it impossible to choose names of one hash.
type seeds struct {
	prefix
	long maphash.Seed
}

func newSeeds() seeds { return seeds{prefix{rand.Uint64(), rand.Uint64()}, maphash.MakeSeed()} }

func newTally(s seeds) *tally { return &tally{seeds: s, slots: make([]slot, 64)} }

// prefixOf is made of two loads where the name is part of something longer, as
// it is in a log.
func prefixOf(name []byte) prefix {
	if cap(name) < 16 {
		name = append(make([]byte, 0, 16), name...)
	}
	b := name[:16]
	// What is behind a short name is not its own.
	return prefix{
		binary.LittleEndian.Uint64(b) & (1<<(8*uint(len(name))) - 1),
		binary.LittleEndian.Uint64(b[8:]) & (1<<(8*uint(max(len(name)-8, 0))) - 1),
	}
}

func (s *seeds) hash(name []byte, p prefix) uint64 {
	high, low := bits.Mul64(p.low^s.low, p.high^s.high^uint64(len(name)))
	if len(name) > 16 {
		low += maphash.Bytes(s.long, name)
	}
	return high ^ low
}

// An owed is what one line adds to a user's sums.
type owed struct {
	name           []byte
	start          prefix
	hash           uint64
	user           uint32 // who it seems to be: index, plus 1
	sent, received int64
}

// pay adds up many lines at once: while one user's sums are fetched from
// memory, the processor asks for the next ones already. blind says that what
// was received is not known.
func (t *tally) pay(all []owed, blind bool) {
	mask := uint64(len(t.slots) - 1)
	for i := range all {
		o := &all[i]
		o.user = 0
		if s := t.slots[o.hash&mask]; s.hash == uint32(o.hash>>32) {
			o.user = s.user
		}
	}
	for i := range all {
		o := &all[i]
		var s *sums
		if o.user != 0 && t.users[o.user-1].is(o.name, o.start) {
			s = &t.users[o.user-1].sums
		} else {
			s = t.of(o.name, o.start, o.hash)
		}
		s.Out += o.sent
		s.In += o.received
		s.Requests++
		s.Blind = s.Blind || blind
	}
}

// of is the sums of a user. They are good until the next call.
func (t *tally) of(name []byte, p prefix, hash uint64) *sums {
	at := t.find(hash, name, p)
	if t.slots[at].user == 0 {
		if len(t.users) == len(t.slots)/2 {
			t.grow()
			at = t.find(hash, name, p)
		}
		t.users = append(t.users, tallied{start: p, name: string(name)})
		t.slots[at] = slot{uint32(hash >> 32), uint32(len(t.users))}
	}
	return &t.users[t.slots[at].user-1].sums
}

// is says that u has that name.
func (u *tallied) is(name []byte, p prefix) bool {
	return u.start == p && len(u.name) == len(name) && (len(name) <= 16 || u.name == string(name))
}

// find is the slot of a user, or the free one where it belongs.
func (t *tally) find(hash uint64, name []byte, p prefix) int {
	mask := len(t.slots) - 1
	for at := int(hash) & mask; ; at = (at + 1) & mask {
		s := t.slots[at]
		if s.user == 0 || s.hash == uint32(hash>>32) && t.users[s.user-1].is(name, p) {
			return at
		}
	}
}

func (t *tally) grow() {
	t.slots = make([]slot, 2*len(t.slots))
	for i, u := range t.users {
		name := []byte(u.name)
		hash := t.hash(name, u.start)
		t.slots[t.find(hash, name, u.start)] = slot{uint32(hash >> 32), uint32(i + 1)}
	}
}

// all is every user with what was summed, in the order they were first seen.
func (t *tally) all() iter.Seq2[string, *sums] {
	return func(yield func(string, *sums) bool) {
		for i := range t.users {
			if !yield(t.users[i].name, &t.users[i].sums) {
				return
			}
		}
	}
}
