// Package tail reads what is appended to logs, each byte once, through
// rotation, truncation, compression and restarts of the reader. It knows
// nothing of what a line says.
//
// A log is a path that some program writes to; what it wrote from one rotation
// to the next is a generation. A generation is known by its content, not by
// its name, which rotation changes, and not by its inode alone, which the file
// system uses again at once.
//
// The reader keeps no state of its own. Every Event carries the Generation as
// it is after it; who stores that in the same transaction as what was made of
// the event's lines has counted each line exactly once, killed or not.
package tail

import "crypto/sha256"

// A Generation is one file's worth of a log, and how much of it was read.
type Generation struct {
	ID            int64  // never used twice
	Log           string // the path that is written to
	Path          string // where the file was last seen
	Device, Inode uint64 // of the file it was last read from
	Offset        int64  // how many bytes were consumed, of the content if the file is compressed
	Head, Tail    Print  // of the first 4096 and of the last 256 bytes consumed
	State         State
}

// A State is what may still come from a generation.
type State string

// The states.
const (
	Open   State = "open"   // bytes may follow
	Done   State = "done"   // rotated away, silent, and read to its end
	Lost   State = "lost"   // gone or truncated before its end was seen; a copy of it may turn up
	Passed State = "passed" // was there before the reader was to begin
)

const (
	headSize = 4096
	tailSize = 256
)

// A Print identifies bytes by their hash.
type Print struct {
	Len int
	Sum [sha256.Size]byte
}

func printOf(b []byte) Print {
	if len(b) == 0 {
		return Print{}
	}
	return Print{len(b), sha256.Sum256(b)}
}

// begins says that b starts with what was printed.
func (p Print) begins(b []byte) bool {
	return len(b) >= p.Len && printOf(b[:p.Len]) == p
}

// advance moves g to the offset to. head is the first bytes of the content, last
// some bytes before to: at least as many as the prints hold.
func (g *Generation) advance(to int64, head, last []byte) {
	g.Offset = to
	if g.Head.Len < headSize {
		g.Head = printOf(head[:min(int64(len(head)), to)])
	}
	g.Tail = printOf(last[max(0, len(last)-tailSize):])
}
