package accesslog

// A byteset is a set of bytes.
type byteset [256 / 64]uint64

// setOf is the bytes for which in holds.
func setOf(in func(c byte) bool) byteset {
	var s byteset
	for c := range 256 {
		if in(byte(c)) {
			s[c/64] |= 1 << (c % 64)
		}
	}
	return s
}

func (s *byteset) has(c byte) bool { return s[c/64]>>(c%64)&1 != 0 }

// holds says that every byte of b is in s.
func (s *byteset) holds(b []byte) bool {
	for _, c := range b {
		if !s.has(c) {
			return false
		}
	}
	return true
}

// and is what is in both.
func (s byteset) and(o byteset) byteset {
	for i := range s {
		s[i] &= o[i]
	}
	return s
}

// meets says that something is in both.
func (s byteset) meets(o byteset) bool { return s.and(o) != byteset{} }
