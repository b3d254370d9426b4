package wire

import (
	"encoding/binary"

	"github.com/google/uuid"
)

// AppendUUID appends the 36 characters of u, without quotes.
func AppendUUID(dst []byte, u uuid.UUID) []byte {
	var text [36]byte
	a, b := hexOf(u[0:4]), hexOf(u[4:8])
	c, d := hexOf(u[8:12]), hexOf(u[12:16])
	binary.BigEndian.PutUint64(text[0:], a)
	binary.BigEndian.PutUint32(text[9:], uint32(b>>32))
	binary.BigEndian.PutUint32(text[14:], uint32(b))
	binary.BigEndian.PutUint32(text[19:], uint32(c>>32))
	binary.BigEndian.PutUint32(text[24:], uint32(c))
	binary.BigEndian.PutUint64(text[28:], d)
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return append(dst, text[:]...)
}

// hexOf returns the eight hexadecimal digits of four bytes, in their order from
// the highest byte down. All eight are made at once: a loop over the bytes takes
// three times as long.
func hexOf(four []byte) uint64 {
	v := uint64(binary.BigEndian.Uint32(four))
	v = (v | v<<16) & 0x0000ffff0000ffff
	v = (v | v<<8) & 0x00ff00ff00ff00ff
	v = (v | v<<4) & 0x0f0f0f0f0f0f0f0f // a digit's value in each byte
	letters := (v + 6*eachByte) >> 4 & eachByte
	return v + '0'*eachByte + letters*('a'-'9'-1)
}
