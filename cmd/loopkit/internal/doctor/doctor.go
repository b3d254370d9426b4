// Package doctor finds out why data does not arrive at LoopKit, and says how to
// mend it. Nothing here sends a message or changes a file.
package doctor

import (
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Status says how a check went.
type Status string

// The statuses, from good to bad.
const (
	OK      Status = "ok"
	Skipped Status = "skipped" // not looked at, and why
	Warning Status = "warning" // it works, or may work, but is worth a look
	Failed  Status = "failed"  // nothing arrives because of it
)

// Finding is the result of one check.
type Finding struct {
	Check  string `json:"check"`
	Status Status `json:"status"`
	Detail string `json:"detail"`        // what was seen; never the key
	Fix    string `json:"fix,omitempty"` // what to do about it
}

// Environment is what the checks see of the world.
type Environment struct {
	Key      string
	KeyFrom  string // such as LOOPKIT_API_KEY
	KeyError error  // why it could not be read

	BaseURL     string
	BaseURLFrom string // such as LOOPKIT_BASE_URL

	Getenv    func(string) string
	ConfigDir func() (string, error) // as os.UserConfigDir

	Proxy    func(*http.Request) (*url.URL, error) // as http.ProxyFromEnvironment
	Resolver Resolver
	Dial     func(ctx context.Context, network, address string) (net.Conn, error)
	Roots    *x509.CertPool // nil for those of the system
	Now      func() time.Time
	Timeout  time.Duration // of each step on the network

	Probe bool   // ask each endpoint whether it takes the key
	App   string // the name of a program with package loopkitcli; empty for none
	Spool string // the directory of a spool; empty for none
}

// Resolver looks names up, as [net.Resolver] does.
type Resolver interface {
	LookupHost(ctx context.Context, host string) ([]string, error)
}

// Run makes all checks, each only if those that it depends on went well.
func Run(ctx context.Context, env Environment) []Finding {
	findings := checkKey(env)
	base, address := checkAddress(env)
	findings = append(findings, address...)
	if base != nil {
		findings = append(findings, checkNetwork(ctx, env, base)...)
	}
	findings = append(findings, checkOptOut(env)...)
	findings = append(findings, checkState(env)...)
	findings = append(findings, checkSpool(env)...)
	return findings
}

// Worst returns the worst status among findings. What was skipped is no fault.
func Worst(findings []Finding) Status {
	worst := OK
	for _, f := range findings {
		if f.Status == Failed || f.Status == Warning && worst == OK {
			worst = f.Status
		}
	}
	return worst
}

func ok(check, detail string) Finding { return Finding{check, OK, detail, ""} }

func skipped(check, detail, fix string) Finding { return Finding{check, Skipped, detail, fix} }

func warning(check, detail, fix string) Finding { return Finding{check, Warning, detail, fix} }

func problem(check, detail, fix string) Finding { return Finding{check, Failed, detail, fix} }
