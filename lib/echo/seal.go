package echo

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
)

// A number tells one request from all others that a socket sent.
type number struct {
	target uint32 // of a stream
	packet uint32 // of the target
}

// A seal writes numbers so that nobody else can: as one block of AES under a key of
// this socket's own, with the number in one half and zeros in the other. What is
// made up opens to such zeros once in 2^64 times.
type seal struct{ cipher.Block }

func newSeal() seal {
	key := make([]byte, 16)
	rand.Read(key) // never fails, or the program ends
	b, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the key is of a length that AES has
	}
	return seal{b}
}

const sealSize = aes.BlockSize

// write seals n into the first sealSize bytes of to.
func (s seal) write(to []byte, n number) {
	clear(to[:sealSize])
	binary.BigEndian.PutUint32(to[0:], n.target)
	binary.BigEndian.PutUint32(to[4:], n.packet)
	s.Encrypt(to[:sealSize], to[:sealSize])
}

// read is the number that is sealed in from, if it is one.
func (s seal) read(from []byte) (n number, ok bool) {
	if len(from) < sealSize {
		return number{}, false
	}
	var plain [sealSize]byte
	s.Decrypt(plain[:], from[:sealSize])
	n = number{binary.BigEndian.Uint32(plain[0:]), binary.BigEndian.Uint32(plain[4:])}
	return n, binary.BigEndian.Uint64(plain[8:]) == 0
}
