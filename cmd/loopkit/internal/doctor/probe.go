package doctor

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// probeEndpoints asks each endpoint whether it takes the key, with an envelope
// that has no message in it. LoopKit may count the request; there is nothing in
// it to be stored.
func probeEndpoints(ctx context.Context, env Environment, base *url.URL) []Finding {
	client := env.client()
	defer client.CloseIdleConnections()
	endpoints := []string{"tracks", "identifies", "groups"}
	answers := map[string]answer{}
	taken := 0 // how many endpoints take the key
	for _, endpoint := range endpoints {
		a := ask(ctx, client, http.MethodPost, base.String()+"/"+endpoint, "Bearer "+env.Key, `{"`+endpoint+`":[]}`)
		if a.readBody() {
			a.keyless = ask(ctx, client, http.MethodPost, base.String()+"/"+endpoint, "", `{"`+endpoint+`":[]}`).status
		}
		if answers[endpoint] = a; a.err == nil && a.status < 300 || a.readBody() {
			taken++
		}
	}
	var findings []Finding
	for _, endpoint := range endpoints {
		findings = append(findings, judge(env, endpoint, answers[endpoint], taken))
	}
	return findings
}

type answer struct {
	status  int
	keyless int // to the same request without a key, if that was made
	err     error
}

// readBody reports whether the server got as far as to refuse the body.
func (a answer) readBody() bool {
	return a.err == nil && (a.status == http.StatusBadRequest || a.status == http.StatusUnprocessableEntity)
}

func ask(ctx context.Context, client *http.Client, method, address, authorization, body string) answer {
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return answer{err: err}
	}
	request.Header.Set("User-Agent", userAgent)
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := client.Do(request)
	if err != nil {
		return answer{err: err}
	}
	_, err = io.Copy(io.Discard, io.LimitReader(response.Body, mostRead))
	return answer{status: response.StatusCode, err: errors.Join(err, response.Body.Close())}
}

// permissions are what the documentation would call them.
var permissions = map[string]string{"tracks": "track", "identifies": "identify", "groups": "group"}

func judge(env Environment, endpoint string, a answer, taken int) Finding {
	check := "probe " + endpoint
	answered := "POST /" + endpoint + " answered " + statusLine(a.status)
	refused := a.status == http.StatusUnauthorized || a.status == http.StatusForbidden
	switch {
	case a.err != nil:
		return problem(check, "no answer: "+reason(a.err), "try again; the network may have a gap")
	case refused && taken > 0:
		return problem(check, answered+", while other endpoints take the key",
			fmt.Sprintf(`give the key the permission in LoopKit: "Verify API key has %s permissions" (LoopKit's documentation, troubleshooting)`, permissions[endpoint]))
	case a.status == http.StatusUnauthorized:
		return problem(check, answered+": the key from "+env.KeyFrom+" is not accepted", "copy the key again from LoopKit's settings; it may be of another project, or revoked")
	case a.status == http.StatusForbidden:
		return problem(check, answered+": the key is known, but may do nothing here", fmt.Sprintf(`"Verify API key has %s permissions" (LoopKit's documentation, troubleshooting)`, permissions[endpoint]))
	case a.status == http.StatusPaymentRequired:
		return problem(check, answered, "check the plan of the LoopKit account")
	case a.readBody() && a.keyless == a.status:
		return warning(check, answered+", with and without the key: it looks at the message first, so that this tells nothing of the key", `send something: loopkit track doctor_test --user user_123`)
	case a.readBody():
		return ok(check, "takes the key (it answered "+statusLine(a.status)+" to an empty message, which is its right)")
	case a.status == http.StatusTooManyRequests:
		return warning(check, answered, "LoopKit asks for fewer requests; try again later")
	case a.status >= 500:
		return problem(check, answered, "the server has a problem; try again later")
	case a.status >= 300:
		return problem(check, answered, "the address may be wrong; no endpoint is there")
	}
	return ok(check, "takes the key")
}

// probeDeletion asks to delete a user whom nobody can have made.
func probeDeletion(ctx context.Context, env Environment, base *url.URL) Finding {
	const check = "probe deletion"
	client := env.client()
	defer client.CloseIdleConnections()
	nobody := "loopkit-doctor-" + rand.Text()
	a := ask(ctx, client, http.MethodDelete, base.String()+"/users/"+nobody, "Bearer "+env.Key, "")
	answered := "DELETE /users/{id} answered " + statusLine(a.status)
	switch status := a.status; {
	case a.err != nil:
		return problem(check, "no answer: "+reason(a.err), "try again; the network may have a gap")
	case status >= 200 && status < 300:
		return ok(check, answered)
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return warning(check, answered+": this key may not delete", "if this key is to delete users, give it the permission in LoopKit; else use another one for that")
	case status == http.StatusNotFound:
		return warning(check, answered+": deletions are not supported here, or the server says so of a user it does not know",
			`delete in LoopKit's own page, or ask LoopKit; "loopkit delete-user" exits with 3 then, and never claims a success`)
	case status == http.StatusMethodNotAllowed, status == http.StatusGone, status == http.StatusNotImplemented:
		return warning(check, answered+": deletions are not supported here",
			`delete in LoopKit's own page, or ask LoopKit; "loopkit delete-user" exits with 3 then, and never claims a success`)
	case status >= 500:
		return problem(check, answered, "the server has a problem; try again later")
	}
	return warning(check, answered, "ask LoopKit how users are deleted")
}
