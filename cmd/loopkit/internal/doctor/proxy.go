package doctor

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// checkProxy returns the proxy that requests to base go through; nil if none.
func checkProxy(env Environment, base *url.URL) (*url.URL, []Finding) {
	const check = "proxy"
	proxy, err := env.Proxy(&http.Request{URL: base})
	names := proxyVariables(env)
	if err != nil { // its text may quote a password
		return nil, []Finding{problem(check, "the proxy in "+list(names)+" is no URL", "write it like http://proxy.example:3128")}
	}
	var findings []Finding
	switch {
	case proxy != nil:
		findings = append(findings, ok(check, "requests go through "+proxy.Scheme+"://"+placeOf(proxy)+fromVariables(names)))
	case len(names) == 0:
		findings = append(findings, ok(check, "none"))
	case isThisMachine(base.Hostname()):
		findings = append(findings, ok(check, list(names)+" is set, but requests to this machine never use a proxy"))
	case base.Scheme == "https" && value(env, "HTTPS_PROXY") == "" && value(env, "HTTP_PROXY") != "":
		findings = append(findings, warning(check, "HTTP_PROXY is for http:// addresses, and this one is https://",
			"set HTTPS_PROXY too, if this network has no other way out"))
	default:
		findings = append(findings, ok(check, list(names)+" is set, but NO_PROXY exempts this address"))
	}
	return proxy, append(findings, checkProxyVariables(env)...)
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
