package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/plural"
)

// checkState looks at where a program with package loopkitcli keeps its users'
// choice and its spool, without touching it.
func checkState(env Environment) []Finding {
	const check = "state"
	config, err := env.ConfigDir()
	if err != nil {
		return []Finding{warning(check, "there is no directory for settings: "+err.Error(), "set HOME (or AppData on Windows): programs cannot keep anybody's choice without it")}
	}
	if env.App == "" {
		return []Finding{ok(check, "settings are kept in "+config+"; --app NAME looks at those of a program")}
	}
	dir := filepath.Join(config, env.App, "telemetry")
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []Finding{ok(check, dir+" is not there: "+env.App+" has kept nothing yet")}
	case err != nil:
		return []Finding{problem(check, err.Error(), "let this user read it")}
	case !info.IsDir():
		return []Finding{problem(check, dir+" is no directory", "remove it")}
	case info.Mode().Perm()&0o200 == 0:
		return []Finding{warning(check, dir+" cannot be written to: nothing can be kept", "chmod u+w "+dir)}
	}
	findings := []Finding{choiceIn(dir)}
	if _, err := os.Stat(filepath.Join(dir, "spool")); err == nil {
		findings = append(findings, inspectSpool(filepath.Join(dir, "spool"))...)
	}
	return findings
}

// choiceIn reads what the program's user said: "on 2025-01-15" or "off 2025-01-15".
func choiceIn(dir string) Finding {
	const check = "state"
	file := filepath.Join(dir, "choice")
	text, err := os.ReadFile(file)
	said, _, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return warning(check, "nobody has agreed or refused yet, so that nothing is sent", `run the program's "telemetry on", if it is yours to say`)
	case err != nil:
		return problem(check, err.Error(), "let this user read it; until then nothing is sent")
	case said == "on":
		return ok(check, "its user agreed ("+file+")")
	case said == "off":
		return warning(check, "its user said no ("+file+"), so that nothing is sent", `nothing, if that is what you want; else run the program's "telemetry on"`)
	}
	return problem(check, file+" holds something else, so that nothing is sent", "remove it to be asked again")
}

func checkSpool(env Environment) []Finding {
	if env.Spool == "" {
		return nil
	}
	return inspectSpool(env.Spool)
}

// inspectSpool reads names, sizes and permissions only: opening a spool would lock
// it against the program whose it is.
func inspectSpool(dir string) []Finding {
	const check = "spool"
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []Finding{warning(check, dir+" is not there: no client has opened it yet", "check the directory given to spool.Open")}
	case err != nil:
		return []Finding{problem(check, err.Error(), "let this user read the directory")}
	}
	var files, damaged int
	var bytes int64
	var findings []Finding
	for _, entry := range entries {
		name := entry.Name()
		isSpool := strings.HasPrefix(name, "spool.db") || strings.HasPrefix(name, "spool-") && strings.Contains(name, ".db")
		info, err := entry.Info()
		switch {
		case !isSpool:
			continue
		case errors.Is(err, fs.ErrNotExist):
			continue // removed meanwhile
		case err != nil:
			return append(findings, problem(check, err.Error(), "let this user read the directory"))
		case !info.Mode().IsRegular():
			findings = append(findings, problem(check, filepath.Join(dir, name)+" is a link or a device, which no spool opens", "remove it, or choose another directory"))
			continue
		case strings.Contains(name, ".db.damaged-"):
			damaged++
		case strings.HasSuffix(name, ".db"):
			files, bytes = files+1, bytes+info.Size()
		}
		if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
			findings = append(findings, warning(check, "others can read "+filepath.Join(dir, name)+", which holds messages", "chmod 600 "+filepath.Join(dir, name)))
		}
	}
	if damaged > 0 {
		findings = append(findings, warning(check, fmt.Sprintf("%s set aside in %s, with messages in them", plural.Of(damaged, "damaged file"), dir), "check the disk, and delete what was set aside when done"))
	}
	switch {
	case files == 0:
		findings = append(findings, warning(check, dir+" has no spool in it", "check the directory given to spool.Open"))
	case bytes > largeSpool:
		findings = append(findings, warning(check, fmt.Sprintf("%s of %d MiB in %s: a lot may be waiting", plural.Of(files, "file"), bytes>>20, dir), "mend what the other checks found; the next run of the program then sends it"))
	default:
		findings = append(findings, ok(check, fmt.Sprintf("%s of %d KiB in %s", plural.Of(files, "file"), bytes>>10, dir)))
	}
	return findings
}

// largeSpool is far above what a spool has after an outage of minutes.
const largeSpool = 64 << 20
