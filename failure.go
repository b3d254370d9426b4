package loopkit

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// failed is the result of an attempt without an answer.
func failed(endpoint string, err error) result {
	err = proxyRefusal(withoutURL(err))
	r := result{outcome: outcomeRetry, err: &exchangeError{endpoint, err}, unanswered: !neverSent(err)}
	var proxy *proxyError
	switch {
	case isTLS(err):
		r.outcome = outcomeHalted
	case errors.As(err, &proxy) && outcomeOf(proxy.status) == outcomeHalted:
		r.outcome = outcomeHalted
	}
	return r
}

// exchangeError is the end of an attempt without an answer.
type exchangeError struct {
	endpoint string
	err      error
}

func (e *exchangeError) Error() string {
	text := fmt.Sprintf("the answer was not HTTP, or the HTTP client failed (%T): check Options.BaseURL and the proxy", e.err)
	if mayBeShown(e.err) {
		text = e.err.Error()
	}
	return "loopkit: " + e.endpoint + ": " + text
}

func (e *exchangeError) Unwrap() error { return e.err }

// mayBeShown reports whether an error comes from below HTTP. Others may quote
// what the server sent, and that may quote the request.
func mayBeShown(err error) bool {
	var network net.Error
	var errno syscall.Errno
	var proxy *proxyError
	return errors.As(err, &proxy) || errors.As(err, &network) || errors.As(err, &errno) || isTLS(err) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// proxyError is a proxy's refusal to connect.
type proxyError struct{ status int }

func (e *proxyError) Error() string {
	text := fmt.Sprintf("the proxy answered %d %s", e.status, http.StatusText(e.status))
	if e.status == http.StatusProxyAuthRequired {
		text += ": " + remedyFor(e.status)
	}
	return text
}

// proxyRefusal recognises a proxy that wants credentials also through a program's
// own http.Transport, of which only the text of the status is left.
func proxyRefusal(err error) error {
	if isPlainText(err) && err.Error() == http.StatusText(http.StatusProxyAuthRequired) {
		return &proxyError{http.StatusProxyAuthRequired}
	}
	return err
}

// isPlainText reports whether an error is one of the standard library's that say
// nothing but a text. The methods of other types may be the program's.
func isPlainText(err error) bool {
	switch fmt.Sprintf("%T", err) {
	case "*errors.errorString", "*fmt.wrapError":
		return true
	}
	return false
}

// timeoutError is the end of Options.RequestTimeout.
type timeoutError struct {
	after          time.Duration
	host           string
	neverConnected bool
}

func (e *timeoutError) Error() string {
	what := "answer"
	if e.neverConnected {
		what = "connection to " + e.host
	}
	return fmt.Sprintf("no %s within %v (Options.RequestTimeout)", what, e.after)
}
func (e *timeoutError) Timeout() bool   { return true }
func (e *timeoutError) Temporary() bool { return true }

// withoutURL removes the URL from an error of net/http: it names the person
// that a deletion is about.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// isTLS reports whether the server could not be trusted, or does not speak TLS
// as this machine does. A retry does not mend that. The same goes for a proxy.
func isTLS(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "proxyconnect" && op.Err != nil {
		err = op.Err
	}
	return untrusted(err) || isAlert(err) || noCommonTLS(err)
}

// isAlert reports whether one side ended the connection by an alert, but for
// those that tell of a moment, such as a damaged record, and not of a setting.
// crypto/tls has no exported type for alerts over TCP.
func isAlert(err error) bool {
	var op *net.OpError
	if !errors.As(err, &op) || op.Err == nil || op.Op != "remote error" && op.Op != "local error" {
		return false
	}
	switch op.Err.Error() {
	case "tls: bad record MAC", "tls: record overflow", "tls: unexpected message", "tls: error decoding message",
		"tls: internal error", "tls: user canceled":
		return false
	}
	return true
}

// noCommonTLS reports whether the two have no version or cipher in common, for
// which crypto/tls has no type at all.
func noCommonTLS(err error) bool { return isPlainText(err) && strings.HasPrefix(err.Error(), "tls: ") }

func untrusted(err error) bool {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	// A damaged record after the handshake has no Conn: the request was sent by then.
	return errors.As(err, &certificate) || errors.As(err, &record) && record.Conn != nil || errors.Is(err, http.ErrSchemeMismatch)
}

// neverSent reports whether the error rules out that the server got the request.
func neverSent(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	var proxy *proxyError
	var timeout *timeoutError
	return errors.As(err, &timeout) && timeout.neverConnected || errors.As(err, &proxy) || errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect") || errors.As(err, &dns) || untrusted(err)
}
