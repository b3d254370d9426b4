package command

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/plural"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/rules"
)

// mostListed is how many findings of a rule are listed unless all are wanted.
const mostListed = 20

// The lengths of names and details, in characters.
const (
	longestName   = 200
	longestDetail = 400
)

// problem is a finding for machines.
type problem struct {
	File     string         `json:"file,omitempty"`
	Line     int64          `json:"line,omitempty"`
	Rule     string         `json:"rule"`
	Severity rules.Severity `json:"severity"`
	Title    string         `json:"title"`
	Detail   string         `json:"detail"`
	Fix      string         `json:"fix"`
	Section  string         `json:"section,omitempty"` // of the documentation page
}

// report writes findings as they come and counts them.
type report struct {
	out    *bufio.Writer
	write  func(problem) error
	most   int64 // of a rule that are listed; 0 is all
	counts map[rules.Severity]int64
	found  []*foundRule

	explains bool
}

type foundRule struct {
	*rules.Rule
	count int64
}

func (p *program) newReport(f *validateFlags) *report {
	r := &report{out: bufio.NewWriter(p.out), most: mostListed, counts: map[rules.Severity]int64{}}
	switch f.format {
	case "json":
		encoder := json.NewEncoder(r.out)
		encoder.SetEscapeHTML(false)
		r.write = func(found problem) error { return encoder.Encode(found) }
		r.most = 0
	case "github":
		r.write = func(found problem) error { return r.printf("%s\n", annotation(found)) }
	default:
		r.write = func(found problem) error { return r.printf("%s\n", p.findingLine(found)) }
		r.explains = true
	}
	if f.all {
		r.most = 0
	}
	return r
}

func (r *report) printf(format string, args ...any) error {
	_, err := fmt.Fprintf(r.out, format, args...)
	return err
}

func (r *report) flush() error { return writing(r.out.Flush()) }

func (r *report) add(found problem, rule *rules.Rule) error {
	i := slices.IndexFunc(r.found, func(f *foundRule) bool { return f.Rule == rule })
	if i < 0 {
		i = len(r.found)
		r.found = append(r.found, &foundRule{Rule: rule})
	}
	r.found[i].count++
	r.counts[rule.Severity]++
	if r.most > 0 && r.found[i].count > r.most {
		return nil
	}
	return writing(r.write(found))
}

// findingLine has the form that editors know from compilers.
func (p *program) findingLine(found problem) string {
	place := "all files"
	if found.File != "" {
		place = printable(found.File, longestName)
	}
	if found.Line > 0 {
		place += fmt.Sprint(":", found.Line)
	}
	severity := p.paint(p.out, severityStyle(found.Severity), string(found.Severity))
	return fmt.Sprintf("%s: %s: %s [%s]", place, severity, printable(found.Detail, longestDetail), found.Rule)
}

// annotation is a command to GitHub's workflows, which takes % and line ends
// escaped, and in properties the separators, too.
func annotation(found problem) string {
	level := map[rules.Severity]string{rules.Error: "error", rules.Warning: "warning", rules.Info: "notice"}[found.Severity]
	var properties []string
	property := func(name, value string) {
		properties = append(properties, name+"="+strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(value))
	}
	if found.File != "" {
		property("file", found.File)
	}
	if found.Line > 0 {
		property("line", fmt.Sprint(found.Line))
	}
	property("title", found.Rule+" "+found.Title)
	message := printable(found.Detail, longestDetail) + ". " + found.Fix
	return "::" + level + " " + strings.Join(properties, ",") + "::" + strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(message)
}

// end explains the rules that found something and sums up.
func (r *report) end(p *program, messages int64, files int) error {
	if r.explains {
		for _, found := range r.found {
			if err := r.explain(p, found); err != nil {
				return writing(err)
			}
		}
	}
	if err := r.flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.err, "%s in %s: %s, %s, %s\n", plural.Of(messages, "message"), plural.Of(files, "file"),
		plural.Of(r.counts[rules.Error], "error"), plural.Of(r.counts[rules.Warning], "warning"), plural.Of(r.counts[rules.Info], "note"))
	return writing(err)
}

func (r *report) explain(p *program, found *foundRule) error {
	times := "once"
	if found.count > 1 {
		times = fmt.Sprint(found.count, " times")
	}
	if r.most > 0 && found.count > r.most {
		times += fmt.Sprintf(", of which %d are above; --all lists them all", r.most)
	}
	return errors.Join(
		r.printf("\n%s  %s (%s)\n", p.paint(p.out, styleBold, found.ID), found.Title, times),
		r.paragraph(found.Why), r.paragraph(found.Fix))
}

// paragraph writes text in lines of up to 80 characters.
func (r *report) paragraph(text string) error { return writeParagraph(r.out, text) }

func writeParagraph(w io.Writer, text string) error {
	const indent, width = "    ", 76
	line := ""
	var lines []string
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	lines = append(lines, line)
	_, err := io.WriteString(w, indent+strings.Join(lines, "\n"+indent)+"\n")
	return err
}

// explainRule prints all that there is to say about a rule.
func (p *program) explainRule(id string, files []string) error {
	if len(files) > 0 {
		return usageError("--explain takes no files")
	}
	rule, ok := rules.ByID(strings.ToUpper(id))
	if strings.EqualFold(id, noMessage.ID) {
		rule, ok = noMessage, true
	}
	if !ok {
		return usageErrorf("there is no rule %q; there are %s", id, strings.Join(append([]string{noMessage.ID}, ruleIDs()...), ", "))
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s  %s (%s)\n\n", p.paint(p.out, styleBold, rule.ID), rule.Title, rule.Severity)
	for _, paragraph := range []string{rule.Why, rule.Fix} {
		if err := writeParagraph(&text, paragraph); err != nil {
			return err
		}
		text.WriteByte('\n')
	}
	text.WriteString("    " + strings.ReplaceAll(rule.Example, "\n", "\n    ") + "\n")
	if rule.Section != "" {
		fmt.Fprintf(&text, "\nIn LoopKit's documentation: %s\n", rule.Section)
	}
	return written(io.WriteString(p.out, text.String()))
}
