package loopkitcli_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/internal/collector"
	"github.com/loopkitai/loopkit-go/loopkitcli"
)

// example is a program, the directory it keeps its files in, and a LoopKit-like
// server in this process. A test would use loopkittest.NewServer.
type example struct {
	loopkit *collector.Collector
	options *loopkitcli.Options
	close   func()
}

func newExample() example {
	server := collector.New(collector.Options{Strict: true})
	dir, err := os.MkdirTemp("", "mytool")
	if err != nil {
		panic(err)
	}
	restore := withoutEnvironment()
	return example{
		loopkit: server,
		options: &loopkitcli.Options{
			App: "mytool", Version: "1.4.2", Commands: []string{"deploy", "remote add", "login", "logout"}, Dir: dir, Stderr: masked{os.Stdout, dir},
			Client: &loopkit.Options{HTTPClient: &http.Client{Transport: inProcess{server}}},
		},
		close: func() {
			restore()
			if err := os.RemoveAll(dir); err != nil {
				panic(err)
			}
		},
	}
}

// withoutEnvironment takes away what this machine says about telemetry, and
// returns what brings it back.
func withoutEnvironment() (restore func()) {
	before := os.Environ()
	for _, name := range append([]string{doNotTrack, variable, "LOOPKIT_BASE_URL"}, loopkitcli.CIVariables...) {
		if err := os.Unsetenv(name); err != nil {
			panic(err)
		}
	}
	return func() {
		for _, line := range before {
			name, value, _ := strings.Cut(line, "=")
			if name == "" { // as on Windows
				continue
			}
			if err := os.Setenv(name, value); err != nil {
				panic(err)
			}
		}
	}
}

// run is one run of the program.
func (e example) run() *loopkitcli.Telemetry { return loopkitcli.New("lk_example", e.options) }

// telemetry runs a subcommand.
func (e example) telemetry(args ...string) {
	fmt.Println("$ mytool telemetry", strings.Join(args, " "))
	if code := e.run().Command(args, masked{os.Stdout, e.options.Dir}); code != 0 {
		fmt.Println("exit code", code)
	}
}

// inProcess brings requests to a handler.
type inProcess struct{ handler http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	p.handler.ServeHTTP(recorder, r)
	return recorder.Result(), nil
}

// masked replaces what is different in every run of an example.
type masked struct {
	to  io.Writer
	dir string
}

var (
	aUUID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)
	aTime = regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+Z`)
	aDay  = regexp.MustCompile(`\d{4}-\d\d-\d\d`)
	aHost = regexp.MustCompile(`"arch": "[^"]*"|"os": "[^"]*"|"version": "0[^"]*"`)
)

func (m masked) Write(p []byte) (int, error) {
	text := strings.ReplaceAll(string(p), `\\`, `\`)
	text = strings.ReplaceAll(strings.ReplaceAll(text, m.dir, "DIR"), `DIR\`, "DIR/")
	var request any
	if heading, line, found := strings.Cut(text, `{"method"`); found && json.Unmarshal([]byte(`{"method"`+line), &request) == nil {
		sorted, err := json.MarshalIndent(request, "", "  ") // properties are in no order
		if err != nil {
			return 0, err
		}
		text = heading + string(sorted) + "\n"
	}
	text = aUUID.ReplaceAllString(text, "UUID")
	text = aTime.ReplaceAllString(text, "TIME")
	text = aDay.ReplaceAllString(text, "DAY")
	text = aHost.ReplaceAllStringFunc(text, func(s string) string { return s[:strings.IndexByte(s, ':')] + `: "…"` })
	_, err := io.WriteString(m.to, text)
	return len(p), err
}

// A run is one event: the command, the names of its flags, and how it ended.
func ExampleTelemetry_Run() {
	e := newExample()
	defer e.close()
	if code := e.run().Command([]string{"on"}, io.Discard); code != 0 {
		fmt.Println("exit code", code)
	}

	t := e.run()
	code := t.Run(func() int {
		t.Start("remote add", "force")
		return 1 // it failed
	}) // a program would pass this to os.Exit
	fmt.Println("exit code", code)

	for _, m := range e.loopkit.Messages() {
		fmt.Println(m.Name, m.Values["command"], m.Values["flags"], m.Values["exit_code"])
	}
	// Output:
	// exit code 1
	// command_run remote add [force] 1
}

// Nothing is sent before somebody agreed.
func ExampleTelemetry_Notice() {
	e := newExample()
	defer e.close()
	e.options.About = "What becomes of it: https://example.com/privacy"
	e.options.Interactive = func() bool { return true } // in an example nobody sits in front of it

	for range 2 { // runs
		t := e.run()
		t.Run(func() int {
			t.Notice() // once for each installation
			t.Start("deploy")
			return 0
		})
	}
	fmt.Println("sent:", len(e.loopkit.Messages()))
	// Output:
	// mytool can tell its authors how it is used: the command, the names of its
	// flags, how long it takes, its exit code, its version and the system, under a
	// random ID of this installation. All of it goes to LoopKit (loopkit.ai), whose
	// servers see your IP address. It never sends arguments, values of flags, paths
	// or the environment.
	// What becomes of it: https://example.com/privacy
	// Nothing is sent unless you agree:
	//   mytool telemetry on      agree
	//   mytool telemetry off     say no for good
	//   mytool telemetry show    see what would be sent
	// sent: 0
}

// Ask asks instead, and takes the answer for this run and all that follow.
func ExampleTelemetry_Ask() {
	e := newExample()
	defer e.close()
	e.options.Interactive = func() bool { return true }
	e.options.Stdin = strings.NewReader("y\n")

	t := e.run()
	t.Run(func() int {
		t.Start("deploy")
		if _, err := t.Ask(); err != nil {
			fmt.Println(err)
		}
		return 0
	})
	fmt.Println("y\nsent:", len(e.loopkit.Messages()))
	// Output:
	// mytool can tell its authors how it is used: the command, the names of its
	// flags, how long it takes, its exit code, its version and the system, under a
	// random ID of this installation. All of it goes to LoopKit (loopkit.ai), whose
	// servers see your IP address. It never sends arguments, values of flags, paths
	// or the environment.
	// May it? You can change your mind with "mytool telemetry". [y/N] y
	// sent: 1
}

// The subcommand says whether anything is sent, and why, and ends it.
func ExampleTelemetry_Command() {
	e := newExample()
	defer e.close()

	e.telemetry("status")
	e.telemetry("on")
	t := e.run()
	t.Start("deploy")
	t.Finish(0)
	e.telemetry("status")
	e.telemetry("status", "--json")
	e.telemetry("reset")
	e.telemetry("off")
	e.telemetry("status")
	// Output:
	// $ mytool telemetry status
	// Telemetry of mytool is off: nobody has agreed yet.
	//   saved choice  none
	//   directory     DIR/telemetry
	// Agree with "mytool telemetry on", or see what would be sent with "mytool telemetry show".
	// $ mytool telemetry on
	// Thank you. From now on mytool sends how it is used; "mytool telemetry show" says what that is.
	// $ mytool telemetry status
	// Telemetry of mytool is on: you agreed on DAY.
	//   saved choice  on
	//   anonymous ID  anon_UUID
	//   directory     DIR/telemetry
	// Change your mind with "mytool telemetry off".
	// $ mytool telemetry status --json
	// {
	//   "app": "mytool",
	//   "mode": "on",
	//   "reason": "choice",
	//   "detail": "you agreed on DAY",
	//   "choice": "on",
	//   "directory": "DIR/telemetry",
	//   "anonymousId": "anon_UUID"
	// }
	// $ mytool telemetry reset
	// The next run that sends anything takes a new anonymous ID.
	// Removed the anonymous ID anon_UUID.
	// $ mytool telemetry off
	// From now on mytool sends nothing.
	// $ mytool telemetry status
	// Telemetry of mytool is off: you said no on DAY.
	//   saved choice  off
	//   directory     DIR/telemetry
	// Change your mind with "mytool telemetry on".
}

// Whoever logs in is the same person in later runs, until the logout.
func ExampleTelemetry_Login() {
	e := newExample()
	defer e.close()
	e.run().Command([]string{"on"}, io.Discard)

	commands := map[string]func(*loopkitcli.Telemetry) error{
		"deploy": func(*loopkitcli.Telemetry) error { return nil },
		"login": func(t *loopkitcli.Telemetry) error {
			return t.Login(context.Background(), "user_123", loopkit.Traits{"plan": "trial"})
		},
		"logout": func(t *loopkitcli.Telemetry) error { return t.Logout() },
	}
	for _, command := range []string{"deploy", "login", "deploy", "logout", "deploy"} {
		t := e.run()
		t.Start(command)
		if err := commands[command](t); err != nil {
			fmt.Println(err)
		}
		t.Finish(0)
	}
	for _, person := range e.loopkit.People() {
		fmt.Printf("user %q:", person.UserID)
		for _, event := range person.Events {
			fmt.Print(" ", event.Values["command"])
		}
		fmt.Println()
	}
	// Output:
	// user "user_123": deploy login deploy
	// user "": logout deploy
}

// It also shows all that is kept, and what is sent. Before somebody agreed, there
// is nothing to show but that.
func ExampleTelemetry_Command_show() {
	e := newExample()
	defer e.close()
	e.telemetry("show")
	// Output:
	// $ mytool telemetry show
	// What mytool keeps for its telemetry, in DIR/telemetry
	//   nothing
	//
	// Nothing is sent: nobody has agreed yet. It would be, for each run:
	// {
	//   "body": {
	//     "tracks": [
	//       {
	//         "anonymousId": "anon_example",
	//         "messageId": "UUID",
	//         "name": "command_run",
	//         "properties": {
	//           "command": "example",
	//           "duration_ms": 1234,
	//           "exit_code": 0,
	//           "flags": [
	//             "force"
	//           ]
	//         },
	//         "system": {
	//           "context": {
	//             "app": "mytool",
	//             "arch": "…",
	//             "os": "…",
	//             "version": "1.4.2"
	//           },
	//           "sdk": {
	//             "name": "loopkit-go",
	//             "version": "…"
	//           }
	//         },
	//         "timestamp": "TIME"
	//       }
	//     ]
	//   },
	//   "method": "POST",
	//   "url": "https://api.loopkit.ai/v1/tracks"
	// }
}
