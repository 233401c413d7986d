package tail

// An Event is what was read, or what became of a generation.
type Event struct {
	Kind       Kind
	Generation Generation // as it is after the event; nothing in a Trouble
	From, To   int64      // the bytes of it that are meant; To is -1 where nobody knows
	Lines      []byte     // of Lines and Torn; good until the next call of Next
	Err        error      // of Trouble and Damaged
}

// A Kind says which event.
type Kind uint8

// The kinds.
const (
	Lines     Kind = iota // whole lines, each with its newline
	Torn                  // a generation is over and its last line has no newline
	Long                  // a line of more than MaxLine bytes was passed over
	Began                 // a generation is passed over: it was there before the reader was to begin
	Finished              // a generation was read to its end
	Truncated             // a file was cut while it was read: what was not read yet is lost
	Rewritten             // a file has other bytes where some were consumed: what follows is read
	Vanished              // a generation is gone: what was not read yet is lost
	Damaged               // a compressed generation cannot be read further
	Trouble               // a file cannot be read now; said once until it changes
)

// String is the kind in one word.
func (k Kind) String() string {
	return [...]string{
		"lines", "torn", "long", "began", "finished",
		"truncated", "rewritten", "vanished", "damaged", "trouble",
	}[k]
}
