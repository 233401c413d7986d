package ledger

import (
	"encoding/binary"
	"hash/maphash"
	"iter"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
)

// A tally is sums by user. It is asked once a line, with a slice of the log. A
// hash table of its own answers in less than half the time of a map: how a user's
// name begins and the sums are one line of the processor's cache, which is all that
// has to be fetched; and no string has to be made.
type tally struct {
	seeds
	slots []slot // a power of two, at most half of which are taken
	users []tallied
	names []string // of the users
}

// A slot leads to a user.
type slot struct {
	hash uint32 // to compare before the name is looked at
	user uint32 // index, plus 1; 0 = free
}

type tallied struct {
	prefix
	sums
}

// A prefix is how a name begins, filled up with zeros, and in the last byte its
// length: a whole name, unless that is longer.
type prefix [4]uint64

// prefixLen is how many bytes of a name a prefix holds.
const prefixLen = 31

// seeds make it impossible to choose names of one hash.
type seeds struct {
	prefix
	long maphash.Seed
}

func newSeeds() seeds {
	return seeds{prefix{rand.Uint64(), rand.Uint64(), rand.Uint64(), rand.Uint64()}, maphash.MakeSeed()}
}

func newTally(s seeds) *tally { return &tally{seeds: s, slots: make([]slot, 64)} }

// prefixOf is made of whole words where the name is part of something longer, as
// it is in a log.
func prefixOf(name []byte) (p prefix) {
	if cap(name) < 32 {
		name = append(make([]byte, 0, 32), name...)
	}
	b, n := name[:32], uint(len(name))
	// What is behind a short name is not its own.
	p[0] = binary.LittleEndian.Uint64(b) & (1<<(8*n) - 1)
	if n > 8 {
		p[1] = binary.LittleEndian.Uint64(b[8:]) & (1<<(8*(n-8)) - 1)
	}
	if n > 16 {
		p[2] = binary.LittleEndian.Uint64(b[16:]) & (1<<(8*(n-16)) - 1)
	}
	if n > 24 {
		p[3] = binary.LittleEndian.Uint64(b[24:]) & (1<<(8*(min(n, prefixLen)-24)) - 1)
	}
	p[3] |= uint64(min(n, prefixLen+1)) << 56
	return p
}

func (s *seeds) hash(name []byte, p *prefix) uint64 {
	high, low := bits.Mul64(p[0]^s.prefix[0], p[1]^s.prefix[1])
	h := high ^ low
	high, low = bits.Mul64(p[2]^s.prefix[2], p[3]^s.prefix[3])
	if len(name) > prefixLen {
		low += maphash.Bytes(s.long, name)
	}
	return h ^ high ^ low
}

// An owed is what one line adds to a user's sums.
type owed struct {
	name           []byte
	prefix         prefix
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
		if o.user == 0 || !t.is(int(o.user-1), o.name, &o.prefix) {
			o.user = t.of(o.name, &o.prefix, o.hash)
		}
		s := &t.users[o.user-1].sums
		s.Out += o.sent
		s.In += o.received
		s.Requests++
		s.Blind = s.Blind || blind
	}
}

// of is a user's index, plus 1.
func (t *tally) of(name []byte, p *prefix, hash uint64) uint32 {
	at := t.find(hash, name, p)
	if t.slots[at].user == 0 {
		if len(t.users) == len(t.slots)/2 {
			t.grow()
			at = t.find(hash, name, p)
		}
		t.users, t.names = append(t.users, tallied{prefix: *p}), append(t.names, string(name))
		t.slots[at] = slot{uint32(hash >> 32), uint32(len(t.users))}
	}
	return t.slots[at].user
}

// is says that the user has that name.
func (t *tally) is(user int, name []byte, p *prefix) bool {
	return t.users[user].prefix == *p && (len(name) <= prefixLen || t.names[user] == string(name))
}

// find is the slot of a user, or the free one where it belongs.
func (t *tally) find(hash uint64, name []byte, p *prefix) int {
	mask := len(t.slots) - 1
	for at := int(hash) & mask; ; at = (at + 1) & mask {
		s := t.slots[at]
		if s.user == 0 || s.hash == uint32(hash>>32) && t.is(int(s.user-1), name, p) {
			return at
		}
	}
}

func (t *tally) grow() {
	t.slots = make([]slot, 2*len(t.slots))
	mask := len(t.slots) - 1
	for i := range t.users {
		hash := t.hash([]byte(t.names[i]), &t.users[i].prefix)
		at := int(hash) & mask
		for t.slots[at].user != 0 {
			at = (at + 1) & mask
		}
		t.slots[at] = slot{uint32(hash >> 32), uint32(i + 1)}
	}
}

// all is every user with what was summed, in the order they were first seen.
func (t *tally) all() iter.Seq2[string, *sums] {
	return func(yield func(string, *sums) bool) {
		for i := range t.users {
			if !yield(t.names[i], &t.users[i].sums) {
				return
			}
		}
	}
}

// inOrder is every user by name.
func (t *tally) inOrder() iter.Seq2[string, sums] {
	order := make([]int, len(t.names))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(t.names[a], t.names[b]) })
	return func(yield func(string, sums) bool) {
		for _, i := range order {
			if !yield(t.names[i], t.users[i].sums) {
				return
			}
		}
	}
}
