package command

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/loopkitai/loopkit-go"
)

// client says in the words of the command line what is wrong with a setting.
func (s settings) client(opts *loopkit.Options) (*loopkit.Client, error) {
	client, err := loopkit.New(s.key, opts)
	var wrong *loopkit.ArgumentError
	switch {
	case err == nil:
		return client, nil
	case errors.As(err, &wrong) && wrong.Field == "apiKey":
		return nil, usageErrorf("the API key from %s %s", s.keyFrom, wrong.Reason)
	case errors.As(err, &wrong) && strings.HasPrefix(wrong.Field, "BaseURL"):
		return nil, usageErrorf("the address from %s %s", s.baseURLFrom, wrong.Reason)
	}
	return nil, usageErrorf("%w", err)
}

// explain says why a message was not delivered, what is known of it, and what to do.
func (s settings) explain(err error, timeout time.Duration) error {
	var answer *loopkit.APIError
	const hint = `; "loopkit doctor --probe" looks closer`
	switch {
	case errors.As(err, &answer) && !mayBeStored(answer.StatusCode):
		return fmt.Errorf("nothing was delivered: %s", s.explainAnswer(answer)+hint)
	case errors.As(err, &answer):
		return fmt.Errorf("nothing confirms that it was delivered; it may have arrived: %s", s.explainAnswer(answer))
	case neverSent(err):
		return fmt.Errorf("nothing was delivered: %s cannot be reached: %w%s", s.baseURL, innermost(err), hint)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("nothing was confirmed within %v, so nothing counts as delivered; it may have arrived: %w%s", timeout, innermost(err), hint)
	case errors.Is(err, context.Canceled):
		return errors.New("interrupted before LoopKit confirmed anything; it may have arrived")
	}
	return fmt.Errorf("nothing confirms that it was delivered; it may have arrived: %w%s", innermost(err), hint)
}

// mayBeStored reports whether a server that gave this status can have taken the message.
func mayBeStored(status int) bool {
	switch status {
	case http.StatusNotImplemented, http.StatusServiceUnavailable, http.StatusHTTPVersionNotSupported:
		return false
	}
	return status >= 500 || status == http.StatusRequestTimeout
}

func (s settings) explainAnswer(answer *loopkit.APIError) string {
	text := fmt.Sprintf("%s answered %d %s", s.baseURL+"/"+answer.Endpoint, answer.StatusCode, http.StatusText(answer.StatusCode))
	if answer.Endpoint == "deletions" {
		text = fmt.Sprintf("%s answered %d %s", s.baseURL, answer.StatusCode, http.StatusText(answer.StatusCode))
	}
	text = strings.TrimSpace(text)
	if answer.Message != "" {
		text += fmt.Sprintf(" (%q)", answer.Message)
	}
	if remedy := s.remedy(answer); remedy != "" {
		text += "; " + remedy
	}
	return text
}

func (s settings) remedy(answer *loopkit.APIError) string {
	const forbidden = "the key is known but not allowed to do this"
	switch status := answer.StatusCode; {
	case status == http.StatusUnauthorized:
		return "check the API key from " + s.keyFrom
	case status == http.StatusForbidden && answer.Endpoint == "identifies":
		return forbidden + `: "Verify API key has identify permissions" (LoopKit's documentation)`
	case status == http.StatusForbidden:
		return forbidden + ": check its permissions in LoopKit"
	case status == http.StatusPaymentRequired:
		return "check the plan of the LoopKit account"
	case status == http.StatusBadRequest, status == http.StatusUnprocessableEntity:
		return "the server takes no such message; --dry-run shows what was sent, and --dialect changes its form"
	case status == http.StatusProxyAuthRequired:
		return "check the proxy's credentials in HTTPS_PROXY"
	case status == http.StatusTooManyRequests:
		return "LoopKit asks for fewer requests: try again later"
	case status >= 300 && status < 400, status == http.StatusNotFound, status == http.StatusMethodNotAllowed, status == http.StatusGone:
		return "check the address from " + s.baseURLFrom + "; LoopKit's is " + loopkit.DefaultURL
	case status >= 500:
		return "the server has a problem: try again later"
	}
	return ""
}

// neverSent reports whether no request can have reached the server.
func neverSent(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	return errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect") ||
		errors.As(err, &dns) || errors.As(err, &certificate) || errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch)
}

// innermost leaves out what the client's layers say around the cause.
func innermost(err error) error {
	var undelivered *loopkit.UndeliveredError
	if errors.As(err, &undelivered) {
		return undelivered.Err
	}
	return err
}
