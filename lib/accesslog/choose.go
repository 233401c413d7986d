package accesslog

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// choose keeps one field of each meaning, the best one, and says what is missing.
func (y *layout) choose() error {
	var lacks []string
	if y.keep(seconds) {
		y.keep(fraction)
		y.skip(clock)
	} else {
		y.skip(fraction)
		if err := y.keepClock(); err != nil {
			lacks = append(lacks, err.Error())
		}
	}
	y.keep(tag)
	y.keep(sequence)
	hasSent, hasReceived := y.keep(sent), y.keep(received)
	if y.keep(total) && hasSent != hasReceived {
		y.sent, y.rest = !hasSent, hasSent
	} else {
		y.skip(total)
	}
	if !hasSent && !y.sent {
		lacks = append(lacks, "it has no bytes sent: add %<st")
	}
	if !y.keep(status) {
		lacks = append(lacks, "it has no status, without which a refused login looks like a user: add %>Hs")
	}
	if err := y.keepUser(); err != nil {
		lacks = append(lacks, err.Error())
	}
	if lacks != nil {
		return errors.New(strings.Join(lacks, "; "))
	}
	return nil
}

// keep keeps the first field that means m; false if there is none.
func (y *layout) keep(m meaning) bool {
	first := slices.IndexFunc(y.fields, func(f field) bool { return f.means == m })
	for i := range y.fields {
		if y.fields[i].means == m && i != first {
			y.fields[i].means = nothing
		}
	}
	return first >= 0
}

func (y *layout) skip(m meaning) {
	for i := range y.fields {
		if y.fields[i].means == m {
			y.fields[i].means = nothing
		}
	}
}

// keepClock keeps the first %tl or %tg that tells the moment.
func (y *layout) keepClock() error {
	why := errors.New("it has no time: add %ts.%03tu")
	found := false
	for i := range y.fields {
		f := &y.fields[i]
		if f.means != clock {
			continue
		}
		err := newDial(f.code).tells()
		if found || err != nil {
			f.means = nothing
		}
		if err == nil {
			found = true
		} else if !found {
			why = err
		}
	}
	if found {
		return nil
	}
	return why
}

// keepUser keeps the field of the user: %un, which is whichever of the others
// there is, or the best of those.
func (y *layout) keepUser() error {
	best, rank := -1, len(userCodes)
	for i := range y.fields {
		f := &y.fields[i]
		if f.means != user {
			continue
		}
		if r := slices.Index(userCodes[:], f.known.name); r < rank {
			best, rank = i, r
		}
	}
	for i := range y.fields {
		if y.fields[i].means == user && i != best {
			y.fields[i].means = nothing
		}
	}
	if best < 0 {
		return errors.New("it has no user: add %#un")
	}
	if y.fields[best].max >= 0 {
		return fmt.Errorf("%s cuts names short: leave its maximum width out", y.fields[best].spelling)
	}
	return nil
}

// userCodes are the codes of a user, the best ones first.
var userCodes = [...]string{"un", "ul", "LOGIN", "ue", "EXT_USER", "us", "ui", "IDENT"}
