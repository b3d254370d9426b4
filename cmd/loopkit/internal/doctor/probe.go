package doctor

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
)

// checkProbe asks each endpoint whether it takes the key, or says why it is not
// asked. The key goes only to who is meant to have it.
func checkProbe(ctx context.Context, env Environment, v visited, reached Finding) []Finding {
	const check = "probe"
	hasKey := env.KeyError == nil && env.Key != "" && malformed(env.Key) == ""
	switch {
	case v.err != nil, !env.Probe && !hasKey:
		return nil
	case !env.Probe:
		return []Finding{skipped(check, "the key was not tried", "loopkit doctor --probe asks each endpoint whether it takes it")}
	case !hasKey:
		return []Finding{skipped(check, "left out: there is no key that could be sent", "mend the key first")}
	case travelsInTheClear(v.base):
		return []Finding{warning(check, "left out: the key would travel unencrypted", "mend the address first")}
	case reached.Status == Failed && v.status < 500:
		return []Finding{warning(check, "left out: the key would go to a stranger", "mend the address first")}
	case !isLoopKits(v.base) && !v.stayedHere && !v.listsVersions():
		return []Finding{warning(check, "left out: the key would go to a stranger, for "+v.base.Hostname()+" does not answer as LoopKit does",
			"mend the address first; if it is a server of your own, let it pass /sdk-versions on to LoopKit")}
	}
	endpoints, taken := probeEndpoints(ctx, env, v.base)
	return append(endpoints, probeDeletion(ctx, env, v.base, taken))
}

// probeEndpoints asks with an envelope that has no message in it. LoopKit may
// count the request; there is nothing in it to be stored. It also returns how
// many endpoints take the key.
func probeEndpoints(ctx context.Context, env Environment, base *url.URL) (findings []Finding, taken int) {
	client := env.client()
	defer client.CloseIdleConnections()
	endpoints := []string{"tracks", "identifies", "groups"}
	answers := map[string]answer{}
	for _, endpoint := range endpoints {
		a := ask(ctx, client, http.MethodPost, base.String()+"/"+endpoint, "Bearer "+env.Key, `{"`+endpoint+`":[]}`)
		if a.refusedBody() {
			a.keyless = ask(ctx, client, http.MethodPost, base.String()+"/"+endpoint, "", `{"`+endpoint+`":[]}`).status
		}
		answers[endpoint] = a
		if _, objects := a.objection("", "", env.Key); a.succeeded() && !objects || a.refusedBody() && a.keyless != a.status {
			taken++
		}
	}
	for _, endpoint := range endpoints {
		findings = append(findings, judge(env, endpoint, answers[endpoint], taken))
	}
	return findings, taken
}

// permissions are what the documentation would call them, and the commands that
// need them.
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
	case a.refusedBody() && a.keyless == a.status:
		return warning(check, answered+", with and without the key: it looks at the message first, so that this tells nothing of the key",
			fmt.Sprintf(`"loopkit %s" tells whether a real message is taken; send one of your own, in a project where it does no harm`, permissions[endpoint]))
	case a.refusedBody():
		return ok(check, "takes the key (it answered "+statusLine(a.status)+" to an empty message, which is its right)")
	case a.status == http.StatusTooManyRequests:
		return warning(check, answered, fewerRequests)
	case a.status >= 500:
		return problem(check, answered, "the server has a problem; try again later")
	case a.status >= 300:
		return problem(check, answered, "the address may be wrong; no endpoint is there")
	}
	if f, objects := a.objection(check, answered, env.Key); objects {
		return f
	}
	return ok(check, "takes the key")
}

const fewerRequests = "LoopKit asks for fewer requests; try again later"

// probeDeletion asks to delete a user whom nobody can have made.
func probeDeletion(ctx context.Context, env Environment, base *url.URL, taken int) Finding {
	const check = "probe deletion"
	const instead = `delete in LoopKit's own page, or ask LoopKit; "loopkit delete-user" exits with 3 then, and never claims a success`
	client := env.client()
	defer client.CloseIdleConnections()
	nobody := "loopkit-doctor-" + rand.Text()
	a := ask(ctx, client, http.MethodDelete, base.String()+"/users/"+nobody, "Bearer "+env.Key, "")
	answered := "DELETE /users/{id} answered " + statusLine(a.status)
	switch status := a.status; {
	case a.err != nil:
		return problem(check, "no answer: "+reason(a.err), "try again; the network may have a gap")
	case a.succeeded():
		f, objects := a.objection(check, answered, env.Key)
		switch {
		case !objects:
			return ok(check, answered)
		case !a.isWebPage(): // it may say so of the user, whom it cannot know
			f.Status = Warning
		}
		return f
	case status == http.StatusUnauthorized && taken == 0:
		return warning(check, answered+": the key is not accepted, and not only for deletions", "find a key that is accepted, and probe again")
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return warning(check, answered+": this key may not delete", "if this key is to delete users, give it the permission in LoopKit; else use another one for that")
	case status == http.StatusPaymentRequired:
		return warning(check, answered, "check the plan of the LoopKit account")
	case status == http.StatusNotFound:
		return warning(check, answered+": deletions are not supported here, or the server says so of a user it does not know", instead)
	case status == http.StatusMethodNotAllowed, status == http.StatusGone, status == http.StatusNotImplemented:
		return warning(check, answered+": deletions are not supported here", instead)
	case status == http.StatusTooManyRequests:
		return warning(check, answered, fewerRequests)
	case a.refusedBody():
		return warning(check, answered+": the server refuses the ID, whose user it does not know, or wants another form", "ask LoopKit how users are deleted")
	case status >= 500:
		return problem(check, answered, "the server has a problem; try again later")
	}
	return warning(check, answered, "the address may be wrong; nothing that deletes is there")
}
