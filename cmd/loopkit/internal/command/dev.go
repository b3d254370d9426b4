package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"sync"

	"github.com/spf13/cobra"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/devserver"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/journey"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
)

// devFlags are those of dev alone.
type devFlags struct {
	chaos  string
	server devserver.Options
	open   bool
	demo   bool
	asJSON bool
}

func (p *program) dev() *cobra.Command {
	var f devFlags
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Serve a local LoopKit with a web page that shows what arrives",
		Long: `Serve a local LoopKit with a web page that shows what arrives.

The server takes everything that LoopKit's SDKs send, with any API key, and only
from this machine. It keeps the newest messages in memory. With --data it also
appends the accepted ones to a file, which it reads back when it starts: what was
received about a person stays in that file after a deletion.

Some keys are refused on purpose: lk_dev_401 everywhere, lk_dev_403_identifies
at one endpoint (identifies, groups, tracks, deletions), and so on with any status
from 400 to 599.

--forward sends each accepted request on to another LoopKit, deletions too, with
the key that it came with: give your program the real key then. The demo is not
sent on.`,
		Example: `  loopkit dev --open
  loopkit dev --demo
  loopkit dev --data events.ndjson --addr 127.0.0.1:8080
  loopkit dev --chaos fail=20%:503,latency=500ms,ratelimit=10/s
  loopkit dev --json | jq .name`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runDev(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.server.Addr, "addr", devserver.DefaultAddr, "loopback `address` to listen on; port 0 takes a free one")
	flags.BoolVar(&f.open, "open", false, "open the page in a browser")
	flags.StringVar(&f.server.Journal, "data", "", "`file` to append accepted messages to, and to read back first")
	flags.IntVar(&f.server.Max, "max", store.DefaultMax, "how many messages to keep in memory")
	flags.StringVar(&f.server.Forward, "forward", "", "base `URL` of a LoopKit to send accepted requests on to")
	flags.StringVar(&f.chaos, "chaos", "", "make requests fail: `rules` such as fail=20%:503,latency=500ms,ratelimit=10/s")
	flags.BoolVar(&f.demo, "demo", false, "send the user journey of LoopKit's documentation to begin with")
	flags.BoolVar(&f.asJSON, "json", false, "write what arrives as JSON, one line each, and nothing else to stdout")
	return cmd
}

func (p *program) runDev(ctx context.Context, f devFlags) error {
	if f.server.Max < 1 {
		return usageErrorf("--max is %d; it must be at least 1", f.server.Max)
	}
	var err error
	if f.server.Chaos, err = devserver.ParseChaos(f.chaos); err != nil {
		return usageErrorf("--chaos: %w", err)
	}
	if err := devserver.CheckAddr(f.server.Addr); err != nil {
		return usageErrorf("--addr: %w", err)
	}
	if f.server.Forward != "" {
		if err := devserver.CheckForward(f.server.Forward); err != nil {
			return usageErrorf("--forward: %w", err)
		}
	}
	server, err := p.listen(f.server)
	if err != nil {
		return err
	}
	notes := p.out
	if f.asJSON {
		notes = p.err
	}
	if err := p.introduce(notes, server); err != nil {
		return err
	}
	if f.open {
		p.openPage(server.URL())
	}
	return p.serve(ctx, server, f)
}

// listen tells what to do when the address is taken.
func (p *program) listen(opts devserver.Options) (*devserver.Server, error) {
	opts.Version = loopkit.Version
	opts.Log = func(text string) { p.note("%s", printable(text, 500)) }
	server, err := devserver.Listen(opts)
	var taken *devserver.InUseError
	if errors.As(err, &taken) {
		return nil, failed(fmt.Errorf(`%w, perhaps another "loopkit dev": stop that, or take a free port with --addr 127.0.0.1:0`, err))
	}
	return server, err
}

// note tells the person what the server has to say.
func (p *program) note(format string, args ...any) {
	_, _ = fmt.Fprintf(p.err, "loopkit: "+format+"\n", args...) // nobody is left to tell of an error
}

// introduce prints where the server is, and the lines that lead a program to it.
func (p *program) introduce(w io.Writer, server *devserver.Server) error {
	_, err := fmt.Fprintf(w, "LoopKit's development server: %s\n\n  %s\n  %s\n\nWhat arrives is shown on that page and below. Ctrl-C ends.\n\n",
		p.paint(w, styleBold, server.URL()),
		environmentLine(runtime.GOOS, envBaseURL, server.BaseURL()),
		environmentLine(runtime.GOOS, envKey, devserver.Key),
	)
	return writing(err)
}

// environmentLine is what a shell takes to set a variable for programs.
func environmentLine(system, name, value string) string {
	if system == "windows" {
		return fmt.Sprintf(`$env:%s = "%s"`, name, value)
	}
	return fmt.Sprintf("export %s=%s", name, value)
}

// serve prints what arrives until the context is done.
func (p *program) serve(ctx context.Context, server *devserver.Server, f devFlags) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	printing, finish := context.WithCancel(context.Background())
	defer finish()
	var beside sync.WaitGroup
	var printed error
	events := &arrivals{store: server.Store(), to: &eventPrinter{p: p, out: p.out, asJSON: f.asJSON}}
	events.skip()
	beside.Go(func() {
		if printed = events.print(printing, p.note); printed != nil {
			stop() // nobody reads
		}
	})
	if f.demo {
		beside.Go(func() { p.sendDemo(ctx, server) })
	}
	err := server.Serve(ctx)
	finish()
	stop()
	beside.Wait()
	return errors.Join(err, printed)
}

func (p *program) sendDemo(ctx context.Context, server *devserver.Server) {
	if _, err := journey.Send(ctx, devserver.Key, server.BaseURL()); err != nil && ctx.Err() == nil {
		p.note("the demo did not get through: %v", err)
	}
}

// arrivals prints what comes into a store.
type arrivals struct {
	store *store.Store
	to    *eventPrinter
	seq   int64 // of the newest that was printed
}

// skip leaves out what is there.
func (a *arrivals) skip() { a.seq = a.store.Snapshot().Last }

// print ends when the context is done and everything is printed.
func (a *arrivals) print(ctx context.Context, note func(string, ...any)) error {
	for version := int64(-1); ; {
		snapshot, err := a.store.Wait(ctx, version)
		if err != nil {
			snapshot = a.store.Snapshot()
		}
		version = snapshot.Version
		if oldest := snapshot.Cleared + snapshot.Forgotten; a.seq < snapshot.Cleared {
			a.seq = snapshot.Cleared
		} else if a.seq < oldest {
			note("%d events came too fast to be shown", oldest-a.seq)
			a.seq = oldest
		}
		for _, e := range snapshot.Since(a.seq) {
			if err := a.to.print(store.NewEvent(e)); err != nil {
				return err
			}
			a.seq = e.Seq
		}
		if err != nil {
			return nil
		}
	}
}

func (p *program) openPage(url string) {
	command := browserCommand(runtime.GOOS, url)
	browser := exec.Command(command[0], command[1:]...)
	err := browser.Start()
	if err == nil {
		err = browser.Process.Release() // it may live longer than this program
	}
	if err != nil {
		p.warn("no browser could be started; open %s", url)
	}
}

func browserCommand(system, url string) []string {
	switch system {
	case "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler", url}
	case "darwin":
		return []string{"open", url}
	default:
		return []string{"xdg-open", url}
	}
}
