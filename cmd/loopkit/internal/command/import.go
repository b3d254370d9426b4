package command

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/time/rate"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/importer"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/plural"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/records"
)

var importFormats = []string{string(records.Auto), string(records.NDJSON), string(records.CSV)}

type importFlags struct {
	format      string
	columns     []string
	infer       bool
	rate        string
	concurrency int
	timeout     time.Duration
	resume      bool
	restart     bool
	dryRun      bool
	json        bool
}

func (p *program) importFiles() *cobra.Command {
	f := &importFlags{}
	cmd := &cobra.Command{
		Use:   "import FILE...",
		Short: "Send the messages of NDJSON or CSV files",
		Long: `Send the messages of NDJSON or CSV files, which may be compressed (.gz).

A line of NDJSON is a message as the API takes it, and its "type": identify,
group or track. CSV has the columns type, messageId, userId, anonymousId,
groupId, groupType, name, timestamp, traits.* and properties.*; an empty cell
is an absent value. Cells are text, or with --infer also numbers, booleans and null.

An import can be stopped at any moment, with Ctrl-C or kill -9, and goes on with
--resume. How far it is stands in FILE.loopkit-progress. What could not be
confirmed is sent again under the same message ID: that of the record, or one
made of the file's beginning, the line's number and what the line says. A record
without a timestamp gets the time at which the import of the file was begun.

Records that are no messages, or that LoopKit refuses, are set aside in
FILE.rejected.ndjson with the reason. A refused key, or a server that refuses
everything or cannot be reached, stops the import instead.

Records of one person or group and of one type are sent in the order of the file,
and a group after the identifies before it. Types go side by side, as does the
rest: what happened first is what the timestamps say.

Exit status: 0 all was sent, 4 some records were set aside or it was interrupted,
1 it stopped for another reason, 2 wrong usage.`,
		Example: `  loopkit import users.csv events.ndjson
  loopkit import --dry-run --map id=userId --map plan=traits.plan users.csv
  loopkit import --rate 200/s --resume events.ndjson.gz
  jq -c .record events.ndjson.rejected.ndjson >again.ndjson   # to be corrected and imported`,
		Args: someFiles,
		RunE: func(cmd *cobra.Command, args []string) error { return p.runImport(cmd, f, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", string(records.Auto), "ndjson, csv or auto: by the name, then by the first byte")
	flags.StringArrayVar(&f.columns, "map", nil, "CSV: `column=field`, such as id=userId or plan=traits.plan; column= leaves it out")
	flags.BoolVar(&f.infer, "infer", false, "CSV: cells that look like numbers, booleans or null are those")
	flags.StringVar(&f.rate, "rate", "", "how many `records` to send at most, such as 200/s or 6000/m")
	flags.IntVar(&f.concurrency, "concurrency", 4, "how many requests of a kind at once, 1 to 64")
	flags.DurationVar(&f.timeout, "timeout", time.Minute, "how long to go on while nothing is delivered")
	flags.BoolVar(&f.resume, "resume", false, "go on where the last import of each file stopped")
	flags.BoolVar(&f.restart, "restart", false, "begin anew, and replace what an import before has left")
	flags.BoolVar(&f.dryRun, "dry-run", false, "read and check everything, and send and write nothing; needs no key")
	flags.BoolVar(&f.json, "json", false, "print the result as JSON")
	cmd.MarkFlagsMutuallyExclusive("resume", "restart")
	mustComplete(cmd, "format", importFormats)
	return cmd
}

// importResult is the result for machines.
type importResult struct {
	Files  []importer.Result `json:"files"` // those that were begun
	DryRun bool              `json:"dryRun,omitempty"`
	Error  string            `json:"error,omitempty"`
}

func (p *program) runImport(cmd *cobra.Command, f *importFlags, files []string) error {
	if slices.Contains(files, "-") {
		return usageError("standard input cannot be imported, because an import has to be able to go on later: write it to a file first")
	}
	console := &console{w: p.err}
	own := *p
	own.err = console // which the client's warnings share with the progress
	opts, err := own.importOptions(f)
	if err != nil {
		return err
	}
	show := own.newProgress(console)
	opts.Report = show.report
	if f.dryRun {
		opts.Refuse = own.refusals()
	}
	im, err := importer.New(opts)
	if err != nil {
		return err
	}
	defer im.Close()
	if err := im.Check(files...); err != nil {
		return importError(err)
	}
	result := importResult{Files: []importer.Result{}, DryRun: f.dryRun}
	for _, file := range files {
		one, failure := im.Import(cmd.Context(), file)
		show.end()
		result.Files = append(result.Files, one)
		if failure != nil {
			err = own.explainStop(failure, f, resumeCommand(cmd, files))
			result.Error = err.Error()
			break
		}
	}
	return own.reportImport(f, result, err)
}

// importOptions checks the flags.
func (p *program) importOptions(f *importFlags) (importer.Options, error) {
	opts := importer.Options{
		Records:     records.Options{Format: records.Format(f.format), Infer: f.infer},
		Concurrency: f.concurrency, Patience: f.timeout,
		Resume: f.resume, Restart: f.restart, DryRun: f.dryRun,
	}
	var err error
	if opts.Records.Map, err = parseColumns(f.columns); err != nil {
		return opts, err
	}
	if opts.Rate, err = parseRate(f.rate); err != nil {
		return opts, err
	}
	switch {
	case !slices.Contains(importFormats, f.format):
		return opts, usageErrorf("--format is %q; it must be %s", f.format, alternatives(importFormats))
	case f.concurrency < 1 || f.concurrency > 64:
		return opts, usageErrorf("--concurrency is %d; it must be 1 to 64", f.concurrency)
	case f.timeout <= 0:
		return opts, usageErrorf("--timeout is %v; it must be above zero", f.timeout)
	}
	s, err := p.importSettings(f)
	if err != nil {
		return opts, err
	}
	opts.BaseURL = s.baseURL
	made := 0
	opts.NewClient = func(o *loopkit.Options) (*loopkit.Client, error) {
		o.BaseURL, o.Dialect, o.Logger = s.baseURL, s.dialect, s.logger
		if made++; made > 1 && !p.global.verbose {
			o.Logger = slog.New(slog.DiscardHandler) // one client's warnings are enough
		}
		if f.dryRun {
			o.HTTPClient = &http.Client{Transport: nowhere{}}
		}
		return s.client(o)
	}
	return opts, nil
}

func (p *program) importSettings(f *importFlags) (settings, error) {
	if !f.dryRun {
		return p.settings()
	}
	s, err := p.settingsWithoutKey()
	s.key = "dry-run"
	return s, err
}

// nowhere takes everything and sends nothing.
type nowhere struct{}

func (nowhere) RoundTrip(r *http.Request) (*http.Response, error) {
	_, err := io.Copy(io.Discard, r.Body)
	if err := errors.Join(err, r.Body.Close()); err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}},
		Body:   io.NopCloser(strings.NewReader(`{"success":true}`)),
	}, nil
}

// parseColumns returns what --map says.
func parseColumns(mapped []string) (map[string]string, error) {
	columns := map[string]string{}
	for _, one := range mapped {
		name, field, ok := strings.Cut(one, "=")
		if !ok || name == "" {
			return nil, usageErrorf("--map is %q; write it as column=field, such as id=userId", one)
		}
		columns[name] = field
	}
	return columns, nil
}

// parseRate returns records a second; 0 for no limit.
func parseRate(text string) (rate.Limit, error) {
	if text == "" {
		return 0, nil
	}
	number, unit, _ := strings.Cut(text, "/")
	per, known := map[string]float64{"": 1, "s": 1, "m": 60, "h": 3600}[unit]
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || !known || !(n > 0 && n <= 1e9) {
		return 0, usageErrorf("--rate is %q; write it as 200/s, 6000/m or 100000/h", text)
	}
	return rate.Limit(n / per), nil
}

// refusals shows the first records that a dry run finds wrong.
func (p *program) refusals() func(importer.Rejection) {
	const most = 10
	n := 0
	return func(r importer.Rejection) {
		switch n++; {
		case n <= most:
			p.warn("line %d: %.200s", r.Line, r.Reason)
		case n == most+1:
			p.warn("there are more; an import sets all of them aside with their reasons")
		}
	}
}

// importError is what stands in an import's way before anything was sent.
func importError(err error) error {
	for _, state := range []error{importer.ErrRunning, importer.ErrTwice, importer.ErrUnfinished, importer.ErrFinished, importer.ErrChanged, importer.ErrCheckpoint} {
		if errors.Is(err, state) {
			return usageErrorf("%w", err)
		}
	}
	return failed(err)
}

func (p *program) explainStop(err error, f *importFlags, again string) error {
	var stop *importer.StoppedError
	if !errors.As(err, &stop) {
		return failed(err)
	}
	status := statusFailed
	if errors.Is(err, importer.ErrInterrupted) {
		status = statusPartial
	}
	if f.dryRun {
		return &exitError{status, err}
	}
	explained := *stop
	explained.Err = p.explainImport(stop.Err)
	return &exitError{status, fmt.Errorf("%w\nGo on with: %s", &explained, again)}
}

func (p *program) explainImport(err error) error {
	s, wrong := p.settings()
	var outage *importer.OutageError
	var refusal *importer.RefusalError
	var local *importer.FileError
	var answer *loopkit.APIError
	switch {
	case wrong != nil || errors.Is(err, importer.ErrInterrupted) || errors.As(err, &local):
		return err
	case errors.As(err, &outage):
		return &importer.OutageError{Patience: outage.Patience, Err: p.explainImport(outage.Err)}
	case errors.As(err, &answer) && errors.As(err, &refusal):
		return fmt.Errorf("%d records in a row were refused, which looks like no fault of theirs, so they are not set aside: %s%s; check --base-url and --dialect, or if it is the records, import a file without them",
			refusal.InARow, s.answeredBy(answer.Endpoint, answer.StatusCode), p.quotedRefusal(answer))
	case errors.As(err, &answer):
		return errors.New(s.explainAnswer(answer))
	case err != nil:
		return fmt.Errorf(`%w; "loopkit doctor" looks closer`, err)
	}
	return nil
}

// quotedRefusal is what the server says against records, which may quote them.
func (p *program) quotedRefusal(answer *loopkit.APIError) string {
	switch {
	case answer.Message == "":
		return ""
	case p.global.verbose:
		return fmt.Sprintf(" (%q)", answer.Message)
	}
	return " (--verbose repeats what it says, which may quote them)"
}

// resumeCommand repeats the command line with --resume.
func resumeCommand(cmd *cobra.Command, files []string) string {
	words := []string{"loopkit", "import", "--resume"}
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		values := []string{flag.Value.String()}
		if list, ok := flag.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, value := range values {
			switch {
			case flag.Name == "resume" || flag.Name == "restart":
			case flag.Value.Type() == "bool":
				words = append(words, "--"+flag.Name)
			default:
				words = append(words, "--"+flag.Name, quoted(value))
			}
		}
	})
	for _, file := range files {
		words = append(words, quoted(file))
	}
	return strings.Join(words, " ")
}

// quoted is a word as a POSIX shell takes it.
func quoted(word string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,@%+"
	if word != "" && strings.Trim(word, plain) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// reportImport prints the result; err is why the import stopped.
func (p *program) reportImport(f *importFlags, result importResult, err error) error {
	rejected := int64(0)
	for _, one := range result.Files {
		rejected += one.Rejected
		if one.Redacted > 0 {
			p.warn("%s: %s left out: the key looks like a secret (password, token, card number, …), which analytics must not hold", one.Path, plural.Of(one.Redacted, "value"))
		}
	}
	if f.json {
		if err := p.printJSON(result); err != nil {
			return err
		}
	} else if err := p.printImport(result); err != nil {
		return err
	}
	if err == nil && rejected > 0 {
		return &exitError{status: statusPartial}
	}
	return err
}

func (p *program) printImport(result importResult) error {
	for _, one := range result.Files {
		done, aside := "sent", " set aside"
		if result.DryRun {
			done, aside = "could be sent", " would be set aside"
		}
		line := fmt.Sprintf("%s: %s %s", one.Path, plural.Of(one.Sent, "record"), done)
		if one.Rejected > 0 {
			line += ", " + strconv.FormatInt(one.Rejected, 10) + aside
		}
		if one.RejectedPath != "" {
			line += " in " + one.RejectedPath
		}
		if _, err := fmt.Fprintln(p.out, line); err != nil {
			return writing(err)
		}
	}
	return nil
}

func (p *program) newProgress(c *console) *importProgress {
	return &importProgress{console: c, terminal: p.isTerminal(c.w), now: time.Now}
}
