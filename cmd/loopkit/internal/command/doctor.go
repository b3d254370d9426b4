package command

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/doctor"
)

type doctorFlags struct {
	probe, json bool
	timeout     time.Duration
	app, spool  string
}

func (p *program) doctor() *cobra.Command {
	var f doctorFlags
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find out why nothing arrives, and how to mend it",
		Long: `Find out why nothing arrives, and how to mend it: the key's shape, the address,
proxy, DNS, connection, TLS, the clock, the server, opt-outs, state and spool.

Without --probe it sends one request without a key, GET {base URL}/sdk-versions,
which records nothing. With --probe it also asks every endpoint whether it takes
the key, by a request without a message in it, and to delete a user with a new
random ID, whom nobody can have made. LoopKit may count these requests. The key
is sent only to LoopKit's own hosts, this machine, and servers that answer the
first request as LoopKit does.

✓ is well, · was not tried, ! is worth a look, ✗ is why nothing arrives.
Exit status: 0 without a ✗, else 1.`,
		Example: `  loopkit doctor
  loopkit doctor --probe --json
  loopkit doctor --app mytool --spool /var/lib/myserver/loopkit`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.timeout <= 0 {
				return usageErrorf("--timeout is %v; it must be above zero", f.timeout)
			}
			return p.diagnose(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.probe, "probe", false, "ask each endpoint whether it takes the key")
	flags.BoolVar(&f.json, "json", false, "print the findings as JSON")
	flags.DurationVar(&f.timeout, "timeout", 10*time.Second, "how long to wait for each step on the network")
	flags.StringVar(&f.app, "app", "", "look at the state of a `program` that uses package loopkitcli")
	flags.StringVar(&f.spool, "spool", "", "look at the spool in a `directory`")
	return cmd
}

func (p *program) diagnose(ctx context.Context, f doctorFlags) error {
	if _, err := p.dialect(); err != nil {
		return err
	}
	findings := doctor.Run(ctx, p.environment(f))
	if ctx.Err() != nil {
		return failed(errors.New("interrupted"))
	}
	if err := p.printFindings(findings, f.json); err != nil {
		return err
	}
	if doctor.Worst(findings) == doctor.Failed {
		return &exitError{status: statusFailed} // the findings say it all
	}
	return nil
}

func (p *program) environment(f doctorFlags) doctor.Environment {
	env := doctor.Environment{
		Getenv: p.getenv, ConfigDir: os.UserConfigDir,
		Proxy: http.ProxyFromEnvironment, Resolver: net.DefaultResolver, Dial: (&net.Dialer{}).DialContext,
		Now: time.Now, Timeout: f.timeout,
		Probe: f.probe, App: f.app, Spool: f.spool,
	}
	env.Key, env.KeyFrom, env.KeyError = p.key()
	env.BaseURL, env.BaseURLFrom = p.address()
	return env
}

func (p *program) printFindings(findings []doctor.Finding, asJSON bool) error {
	if asJSON {
		return p.printJSON(findings)
	}
	width := 0
	for _, f := range findings {
		width = max(width, len(f.Check))
	}
	for _, f := range findings {
		if _, err := fmt.Fprintf(p.out, "%s %-*s  %s\n", p.mark(f.Status), width, f.Check, f.Detail); err != nil {
			return writing(err)
		}
		if f.Fix == "" {
			continue
		}
		if _, err := fmt.Fprintf(p.out, "  %-*s  → %s\n", width, "", f.Fix); err != nil {
			return writing(err)
		}
	}
	return nil
}

func (p *program) mark(status doctor.Status) string {
	switch status {
	case doctor.OK:
		return p.paint(p.out, styleGreen, "✓")
	case doctor.Skipped:
		return p.paint(p.out, styleDim, "·")
	case doctor.Warning:
		return p.paint(p.out, styleYellow, "!")
	}
	return p.paint(p.out, styleRed, "✗")
}
