package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/importer"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

const (
	identifyLine = `{"type":"identify","userId":"user_123","anonymousId":"anon_456","traits":{"plan":"pro"}}` + "\n"
	trackLine    = `{"type":"track","name":"page_view","anonymousId":"anon_456","timestamp":"2025-01-15T10:30:00Z"}` + "\n"
)

func fileWith(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestFilesAreImportedOneAfterTheOther(t *testing.T) {
	server := loopkittest.NewServer(t)
	shell := shellWith(t, server)
	users, events := fileWith(t, "users.csv", "type,id,plan\nidentify,user_123,pro\n"), fileWith(t, "events.ndjson", trackLine+trackLine)
	got := shell.run("import", "--map", "id=userId", "--map", "plan=traits.plan", users)
	assert.Equal(t, result{statusOK, users + ": 1 record sent\n", ""}, got)
	got = shell.run("import", events, fileWith(t, "more.ndjson", identifyLine))
	assert.Equal(t, statusOK, got.status)
	assert.Equal(t, 2, strings.Count(got.out, "\n"))
	assert.Len(t, server.Messages(), 4)
	loopkittest.RequireIdentified(t, server, "user_123", "anon_456")
}

func TestAnImportThatSetsRecordsAsideIsDoneInPart(t *testing.T) {
	server := loopkittest.NewServer(t)
	shell := shellWith(t, server)
	path := fileWith(t, "events.ndjson", trackLine+"rubbish\n"+`{"type":"identify","userId":"u","traits":{"password":"x"}}`)
	got := shell.run("import", path)
	assert.Equal(t, statusPartial, got.status)
	assert.Equal(t, path+": 2 records sent, 1 set aside in "+path+".rejected.ndjson\n", got.out)
	assert.Equal(t, "loopkit: warning: "+path+": 1 value left out: the key looks like a secret (password, token, card number, …), which analytics must not hold\n", got.err)

	got = shell.run("import", "--json", "--restart", path)
	assert.Equal(t, statusPartial, got.status)
	var machine struct{ Files []importer.Result }
	require.NoError(t, json.Unmarshal([]byte(got.out), &machine))
	assert.Equal(t, []importer.Result{{Path: path, Sent: 2, Rejected: 1, Redacted: 1, RejectedPath: path + ".rejected.ndjson"}}, machine.Files)
}

func TestADryRunReadsEverythingAndSendsAndWritesNothing(t *testing.T) {
	server := loopkittest.NewServer(t)
	shell := shellWith(t, server)
	delete(shell.env, envKey)
	path := fileWith(t, "events.ndjson", trackLine+"rubbish\n"+trackLine+`{"type":"identify","userId":"undefined"}`+"\n"+strings.Repeat("rubbish\n", 10))
	got := shell.run("import", "--dry-run", path)
	assert.Equal(t, statusPartial, got.status)
	assert.Equal(t, path+": 2 records could be sent, 12 would be set aside\n", got.out)
	assert.Contains(t, got.err, "line 2: it is not JSON\n")
	assert.Contains(t, got.err, "line 4: userId is a placeholder")
	assert.Equal(t, 11, strings.Count(got.err, "\n"), "ten, and that there are more")
	assert.Empty(t, server.Requests())
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, left, 1)
}

func TestWhatStandsInAnImportsWayIsFoundBeforeTheFirstRecordIsSent(t *testing.T) {
	server := loopkittest.NewServer(t)
	shell := shellWith(t, server)
	good, done := fileWith(t, "a.ndjson", trackLine), fileWith(t, "b.ndjson", trackLine)
	require.Zero(t, shell.run("import", done).status)
	server.Reset()
	for name, test := range map[string]struct {
		args   []string
		status int
		why    string
	}{
		"imported before":   {[]string{good, done}, statusUsage, "this file was imported before: 1 records sent, 0 set aside; --resume sends"},
		"no such file":      {[]string{good, good + ".none"}, statusFailed, "no such file"},
		"no file":           {nil, statusUsage, "no file is named"},
		"standard input":    {[]string{"-"}, statusUsage, "write it to a file first"},
		"a file twice":      {[]string{good, filepath.Dir(good) + "/./a.ndjson"}, statusUsage, "one file is named twice"},
		"two ways on":       {[]string{"--resume", "--restart", good}, statusUsage, "resume"},
		"wrong rate":        {[]string{"--rate", "fast", good}, statusUsage, "write it as 200/s, 6000/m or 100000/h"},
		"no rate":           {[]string{"--rate", "0/s", good}, statusUsage, "--rate"},
		"wrong concurrency": {[]string{"--concurrency", "0", good}, statusUsage, "it must be 1 to 64"},
		"wrong timeout":     {[]string{"--timeout", "0s", good}, statusUsage, "it must be above zero"},
		"wrong map":         {[]string{"--map", "id", good}, statusUsage, "write it as column=field"},
		"wrong format":      {[]string{"--format", "xml", good}, statusUsage, "it must be auto, ndjson or csv"},
		"unknown column":    {[]string{fileWith(t, "c.csv", "type,id\n")}, statusFailed, "--map id=FIELD"},
	} {
		t.Run(name, func(t *testing.T) {
			got := shell.run(append([]string{"import"}, test.args...)...)
			assert.Equal(t, test.status, got.status, got.err)
			assert.Contains(t, got.err, test.why)
			assert.Empty(t, got.out)
		})
	}
	assert.Empty(t, server.Requests())
	delete(shell.env, envKey)
	assert.Contains(t, shell.run("import", good).err, "no API key")
}

func TestAnImportThatStopsSaysWhyAndHowToGoOn(t *testing.T) {
	for status, why := range map[int]string{
		http.StatusUnauthorized: "check the API key from LOOPKIT_API_KEY",
		http.StatusForbidden:    "the key is known but not allowed to do this",
		http.StatusNotFound:     "check the address from LOOPKIT_BASE_URL",
		http.StatusBadRequest:   "records in a row were refused, which looks like no fault of theirs, so they are not set aside",
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			server := loopkittest.NewServer(t)
			shell := shellWith(t, server)
			server.FailAll(loopkittest.Any, loopkittest.Fault{Status: status, Body: `{"success":false,"message":"it quotes anon_456"}`})
			path := fileWith(t, "a file.ndjson", strings.Repeat(trackLine, 200))
			got := shell.run("import", "--rate", "100000/s", "--json", path, "--concurrency", "2")
			assert.Equal(t, statusFailed, got.status, got.err)
			assert.Contains(t, got.err, why)
			assert.Contains(t, got.err, "\nGo on with: loopkit import --resume --concurrency 2 --json --rate 100000/s '"+path+"'\n")
			assert.Equal(t, status != http.StatusBadRequest, strings.Contains(got.err, "anon_456"), "what is said against records may quote them")
			var machine importResult
			require.NoError(t, json.Unmarshal([]byte(got.out), &machine))
			assert.Contains(t, machine.Error, why)

			server.Heal()
			assert.Zero(t, shell.run("import", "--resume", path).status)
			assert.Len(t, server.Messages(), 200)
		})
	}
}

func TestWhatTheServerSaysAgainstRecordsIsForTheVerbose(t *testing.T) {
	server := loopkittest.NewServer(t)
	server.FailAll(loopkittest.Any, loopkittest.Fault{Status: http.StatusBadRequest, Body: `{"success":false,"message":"it quotes anon_456"}`})
	path := fileWith(t, "events.ndjson", strings.Repeat(trackLine, 100))
	assert.Contains(t, shellWith(t, server).run("import", "--verbose", path).err, `400 Bad Request ("it quotes anon_456")`)
}

func TestReasonsOfADryRunHoldNoValues(t *testing.T) {
	shell := shellWith(t, loopkittest.NewServer(t))
	path := fileWith(t, "events.ndjson", `{"type":"track","name":"x","anonymousId":"a","timestamp":"user@example.com `+strings.Repeat("z", 3000)+`"}`+"\n"+
		`{"type":"identify","userId":"u","traits":{"`+strings.Repeat("k", 3000)+`":{"a":1,"a":2},"`+strings.Repeat("k", 3000)+`":2}}`+"\n")
	got := shell.run("import", "--dry-run", path)
	assert.Contains(t, got.err, "line 1: timestamp is not RFC 3339, such as 2025-01-15T10:30:00Z\n")
	assert.Contains(t, got.err, "twice")
	assert.NotContains(t, got.err, "user@example.com")
	assert.Less(t, len(got.err), 500)
}

func TestSeveralClientsThatAreHaltedAtOnceAreReplaced(t *testing.T) {
	server := loopkittest.NewServer(t)
	server.FailAll(loopkittest.Any, loopkittest.Fault{Status: http.StatusBadRequest, If: func(body []byte) bool { return bytes.Contains(body, []byte("poison")) }})
	var text strings.Builder
	for range 40 {
		for worker, name := range []string{"poison", "poison", "page_view", "page_view"} {
			fmt.Fprintf(&text, `{"type":"track","name":%q,"anonymousId":"anon_%d","timestamp":"2025-01-15T10:30:00Z"}`+"\n", name, worker)
		}
	}
	path := fileWith(t, "events.ndjson", text.String())
	got := shellWith(t, server).run("import", path)
	assert.Equal(t, statusPartial, got.status, got.err)
	assert.Contains(t, got.out, "80 records sent, 80 set aside")
}

func TestProgressIsALineFromTimeToTimeOrABar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, terminal := range []bool{false, true} {
			var shown bytes.Buffer
			p := &program{err: &shown, terminal: func(any) bool { return terminal }, getenv: func(string) string { return "" }}
			show := p.newProgress(&console{w: &shown})
			for read := range int64(8) {
				var waiting error
				if read == 6 {
					waiting = errors.New("loopkit: tracks: no answer within 10s (Options.RequestTimeout)")
				}
				show.report(importer.Progress{Path: "a.ndjson", Read: read * 10, Size: 100, Sent: read * 100, Rejected: read, Waiting: waiting})
				time.Sleep(time.Second)
			}
			_, _ = show.console.Write([]byte("a warning\n")) // a buffer takes everything
			show.end()
			if terminal {
				assert.Contains(t, shown.String(), "70%")
				assert.Contains(t, shown.String(), "700 sent, 7 set aside, 101/s")
				assert.Contains(t, shown.String(), "a warning\n")
			} else {
				assert.Equal(t, "a.ndjson: 50 %, 500 sent, 5 set aside, 101/s, about 5s left\na warning\n", shown.String())
			}
		}
	})
}

func TestAnInterruptedImportIsDoneInPart(t *testing.T) {
	server := loopkittest.NewServer(t)
	var out, errs bytes.Buffer
	env := map[string]string{envKey: testKey, envBaseURL: server.BaseURL()}
	p := &program{in: strings.NewReader(""), out: &out, err: &errs, getenv: func(name string) string { return env[name] }}
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	path := fileWith(t, "events.ndjson", trackLine)
	assert.Equal(t, statusPartial, p.run(ctx, []string{"import", path}))
	assert.Contains(t, errs.String(), "interrupted\nGo on with: loopkit import --resume "+path)
	assert.Contains(t, out.String(), "0 records sent")
}
