package accesslog

import (
	"encoding/binary"
	"math/bits"
)

// Nearly every record is an ordinary one. What follows reads it three times as
// fast as its layout does, and leaves to the layout whatever it is not sure of:
// it takes no record that the layout would refuse or read in another way.
// Each field is read on from where the one before ended, and the newline is found
// by being the end of the last.

// ordinaryNative reads the record of the format native that text starts with,
// and returns where it ends; 0 if it is no ordinary one.
func ordinaryNative(text []byte, l *Line) (end int) {
	at := ordinaryHead(text, l)
	method := wordEnd(text, at)
	if at == 0 || method == at || !spaceAt(text, method) {
		return 0
	}
	url := wordEnd(text, method+1)
	if url == method+1 || !spaceAt(text, url) {
		return 0
	}
	user := l.plainUser(text, url+1)
	if user == 0 {
		return 0
	}
	slash := capitalsEnd(text, user+1)
	if slash == user+1 || slash >= len(text) || text[slash] != '/' {
		return 0
	}
	peer := segmentEnd(text, slash+1)
	if peer == slash+1 || !spaceAt(text, peer) {
		return 0
	}
	if end = recordEnd(text, peer+1); end == 0 || text[end-1] == ']' {
		return 0
	}
	return end
}

// ordinaryBill reads a record of the format bill.
func ordinaryBill(text []byte, l *Line) (end int) {
	at := ordinaryHead(text, l)
	received, end := fewDigits(text, at)
	if at == 0 || !spaceAt(text, end) {
		return 0
	}
	method := wordEnd(text, end+1)
	if method == end+1 || !spaceAt(text, method) {
		return 0
	}
	if end = l.plainUser(text, method+1); end == 0 {
		return 0
	}
	sequence, end := fewDigits(text, end+1)
	if !spaceAt(text, end) {
		return 0
	}
	_, point := fewDigits(text, end+1)
	if point == 0 || point == len(text) || text[point] != '.' {
		return 0
	}
	_, end = fewDigits(text, point+1)
	if !spaceAt(text, end) {
		return 0
	}
	l.Received, l.Sequence = received, sequence
	return recordEnd(text, end+1)
}

// ordinaryHead reads "1286536308.779    180 192.0.2.1 TCP_MISS/200 3520 ", with
// which both formats begin, and returns where the next field starts; 0 if it
// is no ordinary one.
func ordinaryHead(text []byte, l *Line) (next int) {
	const (
		point   = secondsDigits
		elapsed = point + 4 // with the space before it
		client  = elapsed + 8
	)
	if len(text) < 2*client {
		return 0
	}
	// Most records are of the same second as the one before.
	if s := [secondsDigits]byte(text); s != l.second {
		n, end := fewDigits(text, 0)
		if end != secondsDigits {
			return 0
		}
		l.second, l.seconds = s, n*1000
	}
	ms, ok := threeDigits(text, point+1)
	if !ok || text[point] != '.' || !sixWide(binary.LittleEndian.Uint64(text[elapsed:])) {
		return 0
	}
	l.Time = l.seconds + int64(ms)
	end := wordEnd(text, client)
	slash := capitalsEnd(text, end+1)
	if end == client || !spaceAt(text, end) || slash == end+1 || slash+5 > len(text) || text[slash] != '/' {
		return 0
	}
	l.Tag = text[end+1 : slash]
	if l.Status, ok = threeDigits(text, slash+1); !ok || text[slash+4] != ' ' {
		return 0
	}
	if l.Sent, end = fewDigits(text, slash+5); !spaceAt(text, end) {
		return 0
	}
	return end + 1
}

// sixWide says that the eight bytes of w are a number, padded to six by spaces
// before it, between two spaces.
func sixWide(w uint64) bool {
	w ^= ' ' * each // spaces are zeros, digits 0x10 to 0x19
	if w == 0 {
		return false
	}
	pad := bits.TrailingZeros64(w) / 8
	other := notDigits(w>>(8*pad) ^ ('0'^' ')*each)
	return pad > 0 && pad+bits.TrailingZeros64(other)/8 == 7 && w>>56 == 0
}

// plainUser takes the user that starts at, if it stands for itself, and returns
// where it ends; 0 if it does not.
func (l *Line) plainUser(text []byte, at int) (end int) {
	end = plainEnd(text, at)
	if end == at || !spaceAt(text, end) {
		return 0
	}
	l.User, l.decoded = text[at:end], false
	if end == at+1 && text[at] == '-' {
		l.User = nil
	}
	return end
}

// spaceAt says that a space is at i, which is not 0.
func spaceAt(b []byte, i int) bool { return i > 0 && i < len(b) && b[i] == ' ' }

// recordEnd is where the record ends whose last field starts at; 0 if that is
// empty or not the last.
func recordEnd(b []byte, at int) int {
	end := wordEnd(b, at)
	if end == at || end < len(b) && b[end] != '\n' {
		return 0
	}
	return end
}

// Fields are short, and how long is hard to foretell, for a processor too:
// sixteen bytes at a time take fewer branches. A byte of what is searched for
// sets its highest bit in a word; the lowest such bit is always right (Hacker's
// Delight, 6-1).
const (
	each = 0x0101010101010101 // times a byte: that byte eight times
	high = 0x80 * each
)

// blanks marks spaces and control characters.
func blanks(w uint64) uint64 { return (w - (' '+1)*each) &^ w & high }

// equals marks the bytes c.
func equals(w uint64, c byte) uint64 {
	w ^= uint64(c) * each
	return (w - each) &^ w & high
}

// firstOf is how many bytes are before the first mark in two words; 16 if there is
// none. Branches are foretold, so that what follows need not wait for the count.
func firstOf(v, w uint64) int {
	switch {
	case v != 0:
		return bits.TrailingZeros64(v) / 8
	case w != 0:
		return bits.TrailingZeros64(w)/8 + 8
	default:
		return 16
	}
}

// wordEnd is where the first space or control character of b at or after i is;
// len(b) if there is none.
func wordEnd(b []byte, i int) int {
	for ; i+16 <= len(b); i += 16 {
		s := b[i : i+16]
		v, w := binary.LittleEndian.Uint64(s), binary.LittleEndian.Uint64(s[8:])
		if n := firstOf(blanks(v), blanks(w)); n < 16 {
			return i + n
		}
	}
	for i < len(b) && b[i] > ' ' {
		i++
	}
	return i
}

// segmentEnd is where the first byte of b at or after i is that is a space, a
// control character or a slash; len(b) if there is none.
func segmentEnd(b []byte, i int) int {
	for ; i+16 <= len(b); i += 16 {
		s := b[i : i+16]
		v, w := binary.LittleEndian.Uint64(s), binary.LittleEndian.Uint64(s[8:])
		if n := firstOf(blanks(v)|equals(v, '/'), blanks(w)|equals(w, '/')); n < 16 {
			return i + n
		}
	}
	for i < len(b) && b[i] > ' ' && b[i] != '/' {
		i++
	}
	return i
}

// plainEnd is where the first byte of b at or after i is that is a space, a
// control character, or starts what is quoted; len(b) if there is none.
func plainEnd(b []byte, i int) int {
	for ; i+16 <= len(b); i += 16 {
		s := b[i : i+16]
		v, w := binary.LittleEndian.Uint64(s), binary.LittleEndian.Uint64(s[8:])
		if n := firstOf(blanks(v)|equals(v, '%')|equals(v, '\\'), blanks(w)|equals(w, '%')|equals(w, '\\')); n < 16 {
			return i + n
		}
	}
	for i < len(b) && b[i] > ' ' && b[i] != '%' && b[i] != '\\' {
		i++
	}
	return i
}

// capitalsEnd is where the first byte of b at or after i is that is none of
// '@' to '_'; len(b) if there is none.
func capitalsEnd(b []byte, i int) int {
	for ; i+16 <= len(b); i += 16 {
		s := b[i : i+16]
		v, w := binary.LittleEndian.Uint64(s), binary.LittleEndian.Uint64(s[8:])
		if n := firstOf(v&(0xe0*each)^'@'*each, w&(0xe0*each)^'@'*each); n < 16 {
			return i + n
		}
	}
	for i < len(b) && b[i]&0xe0 == '@' {
		i++
	}
	return i
}

// threeDigits reads a number of just so many digits.
func threeDigits(b []byte, i int) (n int, ok bool) {
	x, y, z := b[i]-'0', b[i+1]-'0', b[i+2]-'0'
	return 100*int(x) + 10*int(y) + int(z), max(x, y, z) <= 9
}

// notDigits marks, from the lowest on, the bytes that are no digits, of digits less '0'.
func notDigits(w uint64) uint64 { return (w + 6*each | w) & (0xf0 * each) }

// fewDigits reads digits and returns where they end; 0 if there are none. It is
// digits for numbers of fewer than eight digits, without a loop: pairs of
// digits, then pairs of those, are added up side by side.
func fewDigits(b []byte, i int) (n int64, end int) {
	if i+8 > len(b) {
		return digits(b, i)
	}
	w := binary.LittleEndian.Uint64(b[i:]) ^ '0'*each
	length := bits.TrailingZeros64(notDigits(w)) / 8
	if length == 0 || length == 8 {
		return digits(b, i)
	}
	w <<= 64 - 8*length // the digits before are zeros
	w = w*10 + w>>8
	const pairs = 0x000000ff000000ff
	w = (w&pairs*(100+1000000<<32) + w>>16&pairs*(1+10000<<32)) >> 32
	return int64(w), i + length
}

// secondsDigits is how many digits a time has from 2001 to 2286. What has more
// is a record glued to the first digits of a torn one.
const secondsDigits = 10

// maxDigits keeps seconds times a thousand, and bytes, inside an int64.
const maxDigits = 15

// digits reads a number and returns where it ends; 0 if there is none, or a
// longer one than squid could mean.
func digits(b []byte, start int) (n int64, end int) {
	i := start
	for i < len(b) {
		d := b[i] - '0'
		if d > 9 {
			break
		}
		n = n*10 + int64(d)
		i++
	}
	if i == start || i-start > maxDigits {
		return 0, 0
	}
	return n, i
}
