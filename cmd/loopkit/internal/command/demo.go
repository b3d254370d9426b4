package command

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/devserver"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/journey"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
)

func (p *program) demo() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Send the user journey of LoopKit's documentation to the development server",
		Long: `Send the complete user journey of LoopKit's documentation to the development
server: somebody new visits, signs up as user_123 and joins team_456.

The server is that of ` + envBaseURL + `, else the one at ` + devserver.DefaultAddr + `. If
none runs there, this command starts it, and serves until Ctrl-C. The journey is
not sent to LoopKit itself, also not by a server that forwards.`,
		Example: `  loopkit demo
  ` + envKey + `=lk_dev_403_identifies loopkit demo   # how a refused key looks`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runDemo(cmd.Context()) },
	}
}

func (p *program) runDemo(ctx context.Context) error {
	base, err := p.devServer()
	if err != nil {
		return err
	}
	if !listens(ctx, base.Host) {
		p.note("no server at %s, so this is one:", base.Host)
		return p.runDev(ctx, devFlags{demo: true, server: devserver.Options{Addr: base.Host, Max: store.DefaultMax}})
	}
	key, _, err := p.key()
	if err != nil {
		return err
	}
	if key == "" {
		key = devserver.Key
	}
	stats, err := journey.Send(ctx, key, base.String())
	if err != nil {
		return fmt.Errorf("%d of %d messages of the journey were delivered: %w", stats.Delivered, stats.Accepted, err)
	}
	page := url.URL{Scheme: base.Scheme, Host: base.Host}
	_, err = fmt.Fprintf(p.out, "%d messages were delivered: see %s\n", stats.Delivered, page.String())
	return writing(err)
}

// devServer returns the base URL of the development server, whose path is /v1.
// That of LoopKit itself is an error.
func (p *program) devServer() (*url.URL, error) {
	text, from := p.address()
	if from == "the default" {
		text = "http://" + devserver.DefaultAddr + "/v1"
	}
	base, err := url.Parse(text)
	if err != nil || base.Scheme != "http" || strings.TrimRight(base.Path, "/") != "/v1" || base.User != nil || base.RawQuery != "" {
		return nil, usageErrorf("%s is not the address of a development server, such as http://%s/v1", from, devserver.DefaultAddr)
	}
	if base.Port() == "" {
		base.Host = net.JoinHostPort(base.Hostname(), "80")
	}
	if err := devserver.CheckAddr(base.Host); err != nil {
		return nil, usageError(from + " names a host that is not this machine; this command is for the development server alone")
	}
	base.Path = "/v1"
	return base, nil
}

// listens reports whether any program does at an address of this machine.
func listens(ctx context.Context, addr string) bool {
	dialer := net.Dialer{Timeout: 2 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	return conn.Close() == nil
}
