package accesslog

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// Nearly every record is an ordinary one. What follows reads it three times as
// fast as its layout does, and leaves to the layout whatever it is not sure of:
// it takes no record that the layout would refuse or read in another way.

// ordinaryNative reads a record of the format native.
func ordinaryNative(rec []byte, l *Line) bool {
	at := ordinaryHead(rec, l)
	method := wordEnd(rec, at)
	if at == 0 || !spaceAt(rec, method) {
		return false
	}
	url := bytes.IndexByte(rec[method+1:], ' ')
	if url <= 0 {
		return false
	}
	end := l.plainUser(rec, method+1+url+1)
	if end == 0 {
		return false
	}
	slash := capitalsEnd(rec, end+1)
	mime := wordEnd(rec, slash)
	return slash > end+1 && spaceAt(rec, mime) && rec[slash] == '/' && mime > slash+1 &&
		mime+1 < len(rec) && wordEnd(rec, mime+1) == len(rec) && rec[len(rec)-1] != ']' &&
		bytes.IndexByte(rec[slash+1:mime], '/') < 0
}

// ordinaryBill reads a record of the format bill.
func ordinaryBill(rec []byte, l *Line) bool {
	at := ordinaryHead(rec, l)
	received, end := fewDigits(rec, at)
	if at == 0 || !spaceAt(rec, end) {
		return false
	}
	method := wordEnd(rec, end+1)
	if method == end+1 || !spaceAt(rec, method) {
		return false
	}
	if end = l.plainUser(rec, method+1); end == 0 {
		return false
	}
	sequence, end := fewDigits(rec, end+1)
	if !spaceAt(rec, end) {
		return false
	}
	_, point := fewDigits(rec, end+1)
	if point == 0 || point == len(rec) || rec[point] != '.' {
		return false
	}
	_, end = fewDigits(rec, point+1)
	l.Received, l.Sequence = received, sequence
	return spaceAt(rec, end) && end+1 < len(rec) && wordEnd(rec, end+1) == len(rec)
}

// ordinaryHead reads "1286536308.779    180 192.0.2.1 TCP_MISS/200 3520 ", with
// which both formats begin, and returns where the next field starts; 0 if it
// is no ordinary one.
func ordinaryHead(rec []byte, l *Line) (next int) {
	const client = len("1286536308.779    180 ")
	if len(rec) < 2*client {
		return 0
	}
	// Most records are of the same second as the one before.
	if s := [secondsDigits]byte(rec); s != l.second {
		n, end := fewDigits(rec, 0)
		if end != secondsDigits {
			return 0
		}
		l.second, l.seconds = s, n*1000
	}
	const point = secondsDigits
	ms, ok := threeDigits(rec, point+1)
	if !ok || rec[point] != '.' || rec[point+4] != ' ' {
		return 0
	}
	l.Time = l.seconds + int64(ms)
	end := point + 5
	for ; end < client-2 && rec[end] == ' '; end++ {
	}
	if _, end = fewDigits(rec, end); end != client-1 || rec[end] != ' ' {
		return 0
	}
	end = wordEnd(rec, client)
	slash := capitalsEnd(rec, end+1)
	if end == client || !spaceAt(rec, end) || slash == end+1 || slash+5 > len(rec) || rec[slash] != '/' {
		return 0
	}
	l.Tag = rec[end+1 : slash]
	if l.Status, ok = threeDigits(rec, slash+1); !ok || rec[slash+4] != ' ' {
		return 0
	}
	if l.Sent, end = fewDigits(rec, slash+5); !spaceAt(rec, end) {
		return 0
	}
	return end + 1
}

// plainUser takes the user that starts at, if it stands for itself, and returns
// where it ends; 0 if it does not.
func (l *Line) plainUser(rec []byte, at int) (end int) {
	end = plainEnd(rec, at)
	if end == at || !spaceAt(rec, end) {
		return 0
	}
	l.User, l.decoded = rec[at:end], false
	if end == at+1 && rec[at] == '-' {
		l.User = nil
	}
	return end
}

// spaceAt says that a space is at i, which is not 0.
func spaceAt(b []byte, i int) bool { return i > 0 && i < len(b) && b[i] == ' ' }

// Fields are short, and how long is hard to foretell, for a processor too:
// eight bytes at a time take fewer branches. A byte of what is searched for
// sets its highest bit in a word; the lowest such bit is always right (Hacker's
// Delight, 6-1).
const (
	each = 0x0101010101010101 // times a byte: that byte eight times
	high = 0x80 * each
)

// wordEnd is where the first space or control character of b at or after i is;
// len(b) if there is none.
func wordEnd(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		if t := (w - (' '+1)*each) &^ w & high; t != 0 {
			return i + bits.TrailingZeros64(t)/8
		}
	}
	for i < len(b) && b[i] > ' ' {
		i++
	}
	return i
}

// plainEnd is where the first byte of b at or after i is that is a space, a
// control character, or starts what is quoted; len(b) if there is none.
func plainEnd(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		p, q := w^'%'*each, w^'\\'*each
		if t := ((w-(' '+1)*each)&^w | (p-each)&^p | (q-each)&^q) & high; t != 0 {
			return i + bits.TrailingZeros64(t)/8
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
	for ; i+8 <= len(b); i += 8 {
		if t := binary.LittleEndian.Uint64(b[i:])&(0xe0*each) ^ '@'*each; t != 0 {
			return i + bits.TrailingZeros64(t)/8
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

// fewDigits reads digits and returns where they end; 0 if there are none. It is
// digits for numbers of fewer than eight digits, without a loop: pairs of
// digits, then pairs of those, are added up side by side.
func fewDigits(b []byte, i int) (n int64, end int) {
	if i+8 > len(b) {
		return digits(b, i)
	}
	w := binary.LittleEndian.Uint64(b[i:]) ^ '0'*each
	other := (w + 6*each | w) & (0xf0 * each)
	length := bits.TrailingZeros64(other) / 8
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
