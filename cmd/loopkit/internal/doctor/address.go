package doctor

import (
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/loopkitai/loopkit-go"
)

// checkAddress returns nil for an address that no request can be sent to.
func checkAddress(env Environment) (*url.URL, []Finding) {
	const check = "address"
	wrong := func(what, fix string) (*url.URL, []Finding) {
		return nil, []Finding{problem(check, "the address from "+env.BaseURLFrom+" "+what, fix)}
	}
	const example = "write it like " + loopkit.DefaultURL
	base, err := url.Parse(strings.TrimRight(env.BaseURL, "/")) // as the client does
	switch {
	case err != nil: // its text would quote what may be credentials
		return wrong("is no URL", example)
	case base.Scheme != "https" && base.Scheme != "http":
		return wrong("does not begin with https:// or http://", example)
	case base.Hostname() == "":
		return wrong("names no host", example)
	case base.User != nil:
		return wrong("has credentials in it", "take them out; the key goes into LOOPKIT_API_KEY")
	case strings.ContainsAny(env.BaseURL, "?# \t\r\n"):
		return wrong("has a query, a fragment or spaces", example)
	case !isPort(base.Port()):
		return wrong("has a port that cannot be", "ports are 1 to 65535; leave it out for the usual one")
	}
	if endpoint := endpointAtTheEnd(base.Path); endpoint != "" {
		return wrong("ends with /"+endpoint+", which is one endpoint of it", "end it with the version, as in "+loopkit.DefaultURL)
	}
	version := "add /v1: " + base.Scheme + "://" + base.Host + "/v1"
	if base.Path == "" && isLoopKits(base) {
		return wrong("has no version", version)
	}
	findings := []Finding{checkHost(env, base)}
	if base.Path == "" {
		findings = append(findings, warning(check, "the address has no path, where LoopKit's has the version", version+", unless the server wants none"))
	}
	if f, bad := checkEncryption(base); bad {
		findings = append(findings, f)
	}
	if isDevKey(env.Key) && !isThisMachine(base.Hostname()) {
		findings = append(findings, warning(check, `the key is one of "loopkit dev", but the address is not on this machine`,
			`pass --base-url http://127.0.0.1:4850/v1, or use the project's own key`))
	}
	return base, findings
}

func endpointAtTheEnd(path string) string {
	last := path[strings.LastIndex(path, "/")+1:]
	switch last {
	case "tracks", "identifies", "groups", "users", "sdk-versions":
		return last
	}
	return ""
}

func checkHost(env Environment, base *url.URL) Finding {
	const check = "address"
	where := base.String() + " (" + env.BaseURLFrom + ")"
	switch host := strings.ToLower(base.Hostname()); {
	case host == "api.loopkit.ai":
		return ok(check, where)
	case host == "drain.loopkit.ai":
		return ok(check, where+", the host in LoopKit's browser SDK; its documentation says "+loopkit.DefaultURL+
			`. If single messages are refused here, use "--dialect envelopes"`)
	case host == "loopkit.ai" || strings.HasSuffix(host, ".loopkit.ai"):
		return problem(check, where+" is a host of LoopKit's, but none that takes data", "use "+loopkit.DefaultURL)
	case isThisMachine(host):
		return ok(check, where+", on this machine")
	}
	return warning(check, where+" is no host of LoopKit's", "use "+loopkit.DefaultURL+", unless it is a server of your own that passes everything on to LoopKit")
}

// isPort also takes "", for the usual port of the scheme.
func isPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

// isLoopKits reports whether nobody else can answer at an address: the host is one
// that LoopKit's sources name, and its certificate is verified.
func isLoopKits(base *url.URL) bool {
	host := strings.ToLower(base.Hostname())
	return base.Scheme == "https" && (host == "api.loopkit.ai" || host == "drain.loopkit.ai")
}

// checkEncryption finds a key that would travel in the clear.
func checkEncryption(base *url.URL) (Finding, bool) {
	switch {
	case base.Scheme == "https" || isThisMachine(base.Hostname()):
		return Finding{}, false
	case travelsInTheClear(base):
		return problem("address", "http:// sends the key and everything else unencrypted", "write https://"), true
	}
	return warning("address", "http:// sends the key unencrypted through the local network", "write https:// if the server can"), true
}

// travelsInTheClear reports whether everybody on the way can read the key.
func travelsInTheClear(base *url.URL) bool {
	return base.Scheme == "http" && !isThisMachine(base.Hostname()) && isPublic(base.Hostname())
}

func isThisMachine(host string) bool {
	host = strings.ToLower(host)
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// isPublic reports whether a host can be reached from everywhere, as far as its
// name tells.
func isPublic(host string) bool {
	host = strings.ToLower(host)
	if ip := net.ParseIP(host); ip != nil {
		return !ip.IsLoopback() && !ip.IsPrivate() && !ip.IsLinkLocalUnicast()
	}
	for _, suffix := range []string{".localhost", ".local", ".internal", ".lan", ".test", ".home.arpa", ".svc"} {
		if strings.HasSuffix(host, suffix) {
			return false
		}
	}
	return strings.Contains(host, ".")
}
