package command

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/loopkitai/loopkit-go"
)

// why says in one sentence why an errand is not confirmed, and what to do.
// asked is the context that the person can end; timeout is what was waited for.
func (s settings) why(x exchange, asked context.Context, timeout time.Duration) string {
	const doctor = `; "loopkit doctor" looks closer`
	switch {
	case x.denied:
		return s.answered(&x) + " and says that it failed" + s.quotedMessage(x.message)
	case x.doubt != "":
		return s.answered(&x) + " " + x.doubt + "; a proxy or a captive portal may have taken it: check the address from " + s.baseURLFrom
	case asked.Err() != nil:
		return "interrupted"
	case x.status != 0:
		text := s.explainAnswer(&loopkit.APIError{Endpoint: x.endpoint(), StatusCode: x.status, Message: x.message})
		if x.retryAfter > 0 {
			text += fmt.Sprintf("; it asks to wait %v", x.retryAfter)
		}
		if explainedByDoctor(x.status) {
			text += `; "loopkit doctor --probe" looks closer`
		}
		return text
	case refusedByThisMachine(x.err):
		return s.baseURL + ` cannot be reached: connection refused; is "loopkit dev" running?`
	case x.err == nil, errors.Is(x.err, context.DeadlineExceeded), errors.Is(x.err, context.Canceled):
		if !x.connected {
			return fmt.Sprintf("%s cannot be reached: no connection within %v%s", s.baseURL, timeout, doctor)
		}
		return fmt.Sprintf("%s gave no answer within %v%s", s.baseURL, timeout, doctor)
	case !x.connected:
		return s.baseURL + " cannot be reached: " + inFewWords(x.err) + doctor
	}
	return "the connection to " + s.baseURL + " broke: " + inFewWords(x.err) + doctor
}

// inFewWords is what went wrong on the network, without the layers around it.
// What may quote the server, and with it the request, is not repeated.
func inFewWords(err error) string {
	var dns *net.DNSError
	var errno syscall.Errno
	var proxy *proxyRefusal
	var op *net.OpError
	var record tls.RecordHeaderError
	var certificate *tls.CertificateVerificationError
	text := "what answers does not speak HTTP as it should"
	switch {
	case errors.As(err, &proxy):
		return proxy.Error()
	case errors.As(err, &dns) && dns.IsTimeout:
		text = "the DNS server does not answer"
	case errors.As(err, &dns):
		text = "DNS knows no host " + dns.Name
	case errors.As(err, &errno):
		text = errno.Error()
	case errors.As(err, &certificate):
		text = certificate.Error()
	case errors.As(err, &record):
		text = "what answers does not speak https"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		text = "closed without an answer"
	case errors.As(err, &op):
		text = op.Err.Error()
	}
	if op, ok := err.(*net.OpError); ok && op.Op == "proxyconnect" {
		text = "the proxy: " + text
	}
	return text
}

func explainedByDoctor(status int) bool {
	return status >= 300 && status < 400 ||
		slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone}, status)
}

func (s settings) answered(x *exchange) string {
	return s.answeredBy(x.endpoint(), x.status)
}

func (s settings) answeredBy(endpoint string, status int) string {
	address := s.baseURL
	if endpoint != "deletions" { // whose address names a person
		address += "/" + endpoint
	}
	return address + " answered " + statusLine(status)
}

func (settings) quotedMessage(message string) string {
	if message == "" {
		return ""
	}
	return fmt.Sprintf(" (%q)", message)
}

// explainAnswer says what a refusal means, and what to do.
func (s settings) explainAnswer(answer *loopkit.APIError) string {
	text := s.answeredBy(answer.Endpoint, answer.StatusCode) + s.quotedMessage(answer.Message)
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
	case (status == http.StatusBadRequest || status == http.StatusUnprocessableEntity) && answer.Endpoint == "deletions":
		return "the server takes no such deletion; ask LoopKit how data is deleted"
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

// waitingFor says what an errand that takes long waits for.
func (s settings) waitingFor(x exchange) string {
	switch {
	case x.status != 0:
		return s.answered(&x) + ", trying again"
	case x.err != nil:
		return s.baseURL + " cannot be reached (" + strings.TrimPrefix(inFewWords(x.err), "the ") + "), trying again"
	case x.connected:
		return "waiting for an answer of " + s.baseURL
	}
	return "connecting to " + s.baseURL
}
