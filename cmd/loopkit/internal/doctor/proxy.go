package doctor

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// checkProxy returns the proxy that requests to base go through; nil if none.
func checkProxy(env Environment, base *url.URL) (*url.URL, []Finding) {
	const check = "proxy"
	proxy, err := env.Proxy(&http.Request{URL: base})
	names := proxyVariables(env)
	if err != nil { // for anything but this, net/http drops the variable silently
		return nil, []Finding{problem(check, "Go programs refuse HTTP_PROXY where REQUEST_METHOD is set, as for a CGI program",
			"unset REQUEST_METHOD, or use an https:// address")}
	}
	variable := proxyVariableFor(base)
	unusable := unusableProxy(value(env, variable))
	var findings []Finding
	switch {
	case unusable && proxy != nil:
		findings = append(findings, problem(check, variable+" holds no URL of a proxy: Go programs read something else out of it", howToWriteProxy))
	case proxy != nil:
		findings = append(findings, ok(check, "requests go through "+proxy.Scheme+"://"+placeOf(proxy)+fromVariables(names)))
	case len(names) == 0:
		findings = append(findings, ok(check, "none"))
	case isThisMachine(base.Hostname()):
		findings = append(findings, ok(check, list(names)+" is set, but requests to this machine never use a proxy"))
	case value(env, variable) == "": // the other one is set
		findings = append(findings, warning(check, fmt.Sprintf("%s is set, which is not for %s:// addresses, and this is one", list(names), base.Scheme),
			"set "+variable+" too, if this network has no other way out"))
	case unusable:
		findings = append(findings, warning(check, variable+" holds no URL: Go programs ignore it without a word, and connect directly", howToWriteProxy))
	case value(env, "NO_PROXY") != "":
		findings = append(findings, ok(check, list(names)+" is set, but NO_PROXY exempts this address"))
	default:
		findings = append(findings, ok(check, list(names)+" is set, but not used for this address"))
	}
	return proxy, append(findings, checkProxyVariables(env)...)
}

const howToWriteProxy = "write it like http://user:password@proxy.example:3128, with %25 for a % in the password, %40 for an @, %2F for a /"

func proxyVariableFor(base *url.URL) string {
	if base.Scheme == "https" {
		return "HTTPS_PROXY"
	}
	return "HTTP_PROXY"
}

// unusableProxy reports whether net/http reads an address otherwise than it was
// meant: it then takes none, or something else, and tells nobody.
func unusableProxy(address string) bool {
	if strings.Contains(address, "://") {
		proxy, err := url.Parse(address)
		return err != nil || proxy.Hostname() == "" || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, proxy.Scheme)
	}
	proxy, err := url.Parse("http://" + address)
	return address != "" && (err != nil || proxy.Hostname() == "")
}

// checkProxyVariables finds what programs read in different ways.
func checkProxyVariables(env Environment) []Finding {
	const check = "proxy"
	var findings []Finding
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"} {
		upper, lower := env.Getenv(name), env.Getenv(strings.ToLower(name))
		if upper != "" && lower != "" && upper != lower {
			findings = append(findings, warning(check, fmt.Sprintf("%s and %s differ; Go programs take the first, others the second", name, strings.ToLower(name)),
				"set both to the same"))
		}
	}
	if value(env, "ALL_PROXY") != "" && value(env, "HTTPS_PROXY") == "" {
		findings = append(findings, warning(check, "ALL_PROXY is set, which Go programs do not read", "set HTTPS_PROXY to the same"))
	}
	return findings
}

func value(env Environment, name string) string {
	if v := env.Getenv(name); v != "" {
		return v
	}
	return env.Getenv(strings.ToLower(name))
}

func proxyVariables(env Environment) []string {
	var names []string
	for _, name := range []string{"HTTPS_PROXY", "HTTP_PROXY"} {
		if value(env, name) != "" {
			names = append(names, name)
		}
	}
	return names
}

func fromVariables(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return " (" + list(names) + ")"
}

func list(names []string) string { return strings.Join(names, " and ") }
