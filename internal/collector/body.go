package collector

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strings"
)

// maxBody bounds a request's body, as sent and after decompression.
const maxBody = 5 << 20

// Decompress returns a reader of what r holds in the given Content-Encoding:
// none, gzip or deflate.
func Decompress(encoding string, r io.Reader) (io.Reader, error) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return r, nil
	case "gzip":
		return gzip.NewReader(r)
	case "deflate":
		// The standard says zlib, but some clients send the bare stream.
		buffered := bufio.NewReader(r)
		head, err := buffered.Peek(2)
		if err == nil && head[0]&0x0f == 8 && (int(head[0])<<8|int(head[1]))%31 == 0 {
			return zlib.NewReader(buffered)
		}
		return flate.NewReader(buffered), nil
	default:
		return nil, refuse(http.StatusUnsupportedMediaType, "unknown Content-Encoding %.60q", encoding)
	}
}

// readBody returns the decompressed body of r.
func readBody(r io.Reader, encoding string) ([]byte, error) {
	sent := &io.LimitedReader{R: r, N: maxBody + 1}
	plain, err := Decompress(encoding, sent)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(plain, maxBody+1))
	if len(body) > maxBody || sent.N <= 0 {
		return nil, refuse(http.StatusRequestEntityTooLarge, "the body is over %d bytes", maxBody)
	}
	return body, err
}
