package loopkit

import (
	"errors"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/loopkitai/loopkit-go/internal/wire"
)

// settings are checked options with the defaults filled in.
type settings struct {
	Options
	key      string
	leaksKey bool         // over plain HTTP, to another machine
	host     string       // of BaseURL
	fields   *wire.Fields // Options.Context, encoded
	privacy  *privacy
	now      func() time.Time // time.Now, but in tests whose wall clock steps
}

// resolve checks everything, so that its error names every wrong option at once.
func resolve(key string, opts *Options) (*settings, error) {
	s := &settings{key: key, now: time.Now}
	if opts != nil {
		s.Options = *opts
	}
	var wrong []error
	check := func(err error) {
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	check(checkKey(key))
	check(s.resolveURL())
	s.follow()
	inBounds := true
	for _, n := range s.integers() {
		err := n.resolve()
		inBounds = inBounds && err == nil
		check(err)
	}
	for _, n := range s.durations() {
		err := n.resolve()
		inBounds = inBounds && err == nil
		check(err)
	}
	if inBounds { // else they are not worth comparing
		check(s.checkRelations())
	}
	check(checkChoice("Dialect", s.Dialect, DialectEnvelopes))
	check(checkChoice("Overflow", s.Overflow, Block))
	check(checkChoice("Compression", s.Compression, Gzip))
	check(checkChoice("PII.Mode", s.PII.Mode, PIIRefuse))
	check(s.PII.check())
	check(s.encodeContext())
	return s, errors.Join(wrong...)
}

func (s *settings) encodeContext() error {
	limit := s.MaxMessageBytes / 2 // the other half is for the message itself
	if limit <= 0 || limit > maxContextBytes {
		limit = maxContextBytes
	}
	fields, err := wire.NewFields(s.Context, limit)
	var value *wire.ValueError
	switch {
	case errors.As(err, &value):
		return wrongOption("Context", "cannot be sent: %s %s", value.Path, value.Reason)
	case err != nil:
		return wrongOption("Context", "is longer as JSON than %d bytes, half of MaxMessageBytes", limit)
	}
	s.fields = fields
	s.privacy, err = newPrivacy(&s.Options, fields, limit)
	return err
}

func checkKey(key string) error {
	const field = "apiKey"
	if key == "" {
		return wrongOption(field, "is empty; pass the project's API key, or use a nil *Client to send nothing")
	}
	for _, r := range key {
		if r <= ' ' || r > '~' {
			return wrongOption(field, "contains a space, a line break or a non-ASCII character; copy it again")
		}
	}
	return nil
}

func (s *settings) resolveURL() error {
	name := "BaseURL"
	if s.BaseURL == "" {
		s.BaseURL = DefaultURL
		if env := os.Getenv("LOOPKIT_BASE_URL"); env != "" {
			name, s.BaseURL = "BaseURL (from LOOPKIT_BASE_URL)", env
		}
	}
	u, err := url.Parse(s.BaseURL)
	switch {
	case err != nil: // its text would quote the value, which may hold credentials
		return wrongOption(name, "is not a URL; it must look like %s", DefaultURL)
	case u.Scheme != "https" && u.Scheme != "http":
		// Not more of the value: it may be a key that took the wrong place.
		return wrongOption(name, "has the scheme %q; it must start with https:// or http://, like %s", u.Scheme, DefaultURL)
	case u.Hostname() == "":
		return wrongOption(name, "names no host; it must look like %s", DefaultURL)
	case u.User != nil, strings.ContainsAny(s.BaseURL, "?# \t"):
		return wrongOption(name, "must not have credentials, a query, a fragment or spaces")
	}
	s.leaksKey = u.Scheme == "http" && !isLocal(u.Hostname())
	s.BaseURL, s.host = strings.TrimRight(s.BaseURL, "/"), u.Host
	return nil
}

// follow keeps the defaults from contradicting the options that are set.
func (o *Options) follow() {
	if o.BatchBytes == 0 && o.QueueBytes > 0 {
		o.BatchBytes = max(leastBatchBytes, min(defaultBatchBytes, o.QueueBytes/8))
	}
	if o.MaxMessageBytes == 0 && o.BatchBytes > 0 {
		o.MaxMessageBytes = max(leastMessageBytes, min(defaultMessageBytes, o.BatchBytes))
	}
	if o.RetryMin == 0 && o.RetryMax > 0 {
		o.RetryMin = max(leastRetry, min(defaultRetryMin, o.RetryMax))
	}
	if o.RetryMax == 0 && o.RetryMin > 0 {
		o.RetryMax = min(mostRetry, max(defaultRetryMax, o.RetryMin))
	}
}

// isLocal reports whether a host is this machine, or exists in tests only
// (RFC 6761).
func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, ".test")
}

func (s *settings) checkRelations() error {
	var wrong []error
	if s.MaxMessageBytes > s.BatchBytes {
		wrong = append(wrong, wrongOption("MaxMessageBytes", "is %d; it must be at most BatchBytes, %d", s.MaxMessageBytes, s.BatchBytes))
	}
	if s.BatchBytes > s.QueueBytes/8 {
		wrong = append(wrong, wrongOption("BatchBytes", "is %d; it must be at most an eighth of QueueBytes, %d", s.BatchBytes, s.QueueBytes/8))
	}
	if s.RetryMin > s.RetryMax {
		wrong = append(wrong, wrongOption("RetryMin", "is %v; it must be at most RetryMax, %v", s.RetryMin, s.RetryMax))
	}
	return errors.Join(wrong...)
}

func checkChoice[T ~uint8](name string, value, last T) error {
	if value > last {
		return wrongOption(name, "is %d; it must be one of the package's constants", value)
	}
	return nil
}
