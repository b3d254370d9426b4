package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/spf13/cobra"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/records"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/rules"
)

type validateFlags struct {
	format      string
	warnAsError bool
	all         bool
	columns     []string
	infer       bool
	explain     string
}

var validateFormats = []string{"text", "json", "github"}

func (p *program) validate() *cobra.Command {
	f := &validateFlags{}
	cmd := &cobra.Command{
		Use:   "validate FILE...",
		Short: "Check the messages of NDJSON or CSV files",
		Long: `Check the messages of NDJSON or CSV files, which may be compressed (.gz), by the
rules of "loopkit dev". Nothing is sent, and no key is needed; - is standard input.

An error is a line that is no message, or one that loses data or mixes people
up. A warning is what LoopKit's documentation advises against, or what looks as
if people would not merge. All files are one story: identifies may be in another
file than the events. List them in the order in which they are to be imported.

--format json writes a finding a line, github the annotations of a workflow.

Exit status: 0 no error, 1 errors, or with --warn-as-error warnings, or a file
could not be read, 2 wrong usage.`,
		Example: `  loopkit validate events.ndjson
  loopkit validate --format github --warn-as-error testdata/*.ndjson
  loopkit validate --map id=userId users.csv
  loopkit validate --explain W-ANONDRIFT`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("explain") {
				return p.explainRule(f.explain, args)
			}
			return p.runValidate(cmd.Context(), f, args)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.format, "format", "text", "of the findings: text, json or github")
	flags.BoolVar(&f.warnAsError, "warn-as-error", false, "fail for warnings, too")
	flags.BoolVar(&f.all, "all", false, fmt.Sprintf("list every finding; without it text and github stop at %d of a rule", mostListed))
	flags.StringArrayVar(&f.columns, "map", nil, "CSV: `column=field`, as for import")
	flags.BoolVar(&f.infer, "infer", false, "CSV: cells that look like numbers, booleans or null are those")
	flags.StringVar(&f.explain, "explain", "", "print what a `rule` means, and good code")
	mustComplete(cmd, "format", validateFormats)
	mustComplete(cmd, "explain", ruleIDs())
	return cmd
}

func ruleIDs() (ids []string) {
	for _, rule := range rules.All() {
		ids = append(ids, rule.ID)
	}
	return ids
}

func (p *program) runValidate(ctx context.Context, f *validateFlags, files []string) error {
	if len(files) == 0 {
		return usageError("no file is named; - is standard input")
	}
	if !slices.Contains(validateFormats, f.format) {
		return usageErrorf("--format is %q; it must be text, json or github", f.format)
	}
	columns, err := parseColumns(f.columns)
	if err != nil {
		return err
	}
	opts := records.Options{Map: columns, Infer: f.infer}
	v := &validation{report: p.newReport(f)}
	v.checker = rules.NewFileChecker(v.place)
	var unread error
	read := 0
	for _, name := range files {
		err := v.check(ctx, p.in, name, opts)
		if err == nil {
			read++
			continue
		}
		var file *fs.PathError // which names the file once more
		if errors.As(err, &file) {
			err = file.Err
		}
		unread = errors.Join(unread, fmt.Errorf("checking %s: %w", name, err))
		var broken *exitError // the output
		if ctx.Err() != nil || errors.As(err, &broken) {
			return failed(errors.Join(unread, v.report.flush()))
		}
	}
	if unread != nil { // what all files say together is not known
		return failed(errors.Join(unread, v.report.end(p, v.messages, read)))
	}
	if err := v.conclude(); err != nil {
		return err
	}
	if err := v.report.end(p, v.messages, len(files)); err != nil {
		return err
	}
	if v.report.counts[rules.Error] > 0 || f.warnAsError && v.report.counts[rules.Warning] > 0 {
		return &exitError{status: statusFailed}
	}
	return nil
}

// validation reads files one after the other and numbers all of their lines.
type validation struct {
	checker  *rules.Checker
	report   *report
	files    []numberedFile
	last     int64 // number of the line that was read last
	messages int64
	ended    bool // every file was read
}

// numberedFile is a file and the number of the last line before it.
type numberedFile struct {
	name   string
	before int64
}

func (v *validation) check(ctx context.Context, in io.Reader, name string, opts records.Options) error {
	v.files = append(v.files, numberedFile{name, v.last})
	if name == "-" {
		reader, err := records.NewReader(in, opts)
		if err != nil {
			return err
		}
		return v.read(ctx, reader)
	}
	reader, err := records.Open(name, opts)
	if err != nil {
		return err
	}
	return errors.Join(v.read(ctx, reader), reader.Close())
}

func (v *validation) read(ctx context.Context, reader *records.Reader) error {
	before := v.last
	for {
		record, err := reader.Next()
		switch {
		case errors.Is(err, io.EOF):
			return ctx.Err()
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		}
		v.last = before + record.Line
		if err := v.judge(record); err != nil {
			return err
		}
	}
}

func (v *validation) judge(record records.Record) error {
	v.messages++
	if record.Err != nil && !errors.Is(record.Err, records.ErrNoAnonymousID) { // a rule says more about that one
		return v.refuse(record)
	}
	for _, finding := range v.checker.Observe(rules.Input{Number: v.last, Message: record.Message}) {
		if err := v.add(finding); err != nil {
			return err
		}
	}
	return nil
}

// refuse adds why the line is no message, and what a rule knows of the reason.
func (v *validation) refuse(record records.Record) error {
	if err := v.add(rules.Finding{Rule: noMessage, Subject: v.last, Detail: record.Err.Error()}); err != nil {
		return err
	}
	m := record.Message
	if m.Raw == nil { // not decoded that far
		m.Raw = record.Raw
	}
	for _, finding := range rules.Refusal(rules.Input{Number: v.last, Message: m}) {
		if err := v.add(finding); err != nil {
			return err
		}
	}
	return nil
}

// noMessage stands for what the rules cannot look at.
var noMessage = &rules.Rule{
	ID: "INVALID", Severity: rules.Error,
	Title: "Not a message",
	Why:   "LoopKit would refuse it, and an import sets it aside.",
	Fix:   "Write one JSON object a line: the message as the API takes it, and its \"type\".",
	Example: `{"type":"identify","userId":"user_123","anonymousId":"anon_456","traits":{"plan":"pro"},"timestamp":"2025-01-15T10:30:00Z"}
{"type":"group","groupId":"team_456","userId":"user_123","anonymousId":"anon_456","traits":{"name":"Acme Corp"},"timestamp":"2025-01-15T10:30:01Z"}
{"type":"track","name":"page_view","anonymousId":"anon_456","properties":{"page":"/pricing"},"timestamp":"2025-01-15T10:29:00Z"}`,
}

func (v *validation) conclude() error {
	v.ended = true
	for _, finding := range v.checker.Conclude() {
		if err := v.add(finding); err != nil {
			return err
		}
	}
	return nil
}

func (v *validation) add(finding rules.Finding) error {
	name, line := v.locate(finding.Subject)
	return v.report.add(problem{
		File: name, Line: line,
		Rule: finding.Rule.ID, Severity: finding.Rule.Severity, Title: finding.Rule.Title,
		Detail: finding.Detail, Fix: finding.Rule.Fix, Section: finding.Rule.Section,
	}, finding.Rule)
}

// locate returns where the line with a number is. Number 0 is in no line, and in
// no file either if there are several.
func (v *validation) locate(number int64) (name string, line int64) {
	if number == 0 && len(v.files) > 1 {
		return "", 0
	}
	after, _ := slices.BinarySearchFunc(v.files, number, func(f numberedFile, number int64) int {
		if f.before < number {
			return -1
		}
		return 1
	})
	f := v.files[max(0, after-1)]
	return f.name, max(0, number-f.before)
}

// place is how a finding names another line.
func (v *validation) place(number int64) string {
	name, line := v.locate(number)
	if current := v.files[len(v.files)-1].name; name != current || v.ended && len(v.files) > 1 {
		return fmt.Sprintf("%s:%d", printable(name, longestName), line)
	}
	return fmt.Sprintf("line %d", line)
}
