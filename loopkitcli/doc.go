// Package loopkitcli gives command line programs telemetry that their users can
// live with: nothing is sent before they agreed, a run ends in time whatever the
// network does, and a subcommand shows, and ends, all of it.
//
//	func main() {
//		t := loopkitcli.New(apiKey, &loopkitcli.Options{
//			App: "mytool", Version: "1.4.2", Commands: []string{"deploy", "status"},
//		})
//		os.Exit(t.Run(func() int { return run(t) }))
//	}
//
//	func run(t *loopkitcli.Telemetry) int {
//		flag.Parse()
//		if flag.Arg(0) == "telemetry" { // status, on, off, show, reset
//			return t.Command(flag.Args()[1:], os.Stdout)
//		}
//		t.Notice()
//		t.Start(flag.Arg(0))
//		return deploy()
//	}
//
// [Telemetry.Start] and [Telemetry.Finish], which [Telemetry.Run] calls, make one
// event of a run: the command, the names of its flags, how long it took, and its
// exit code. Arguments, the values of flags, paths, the environment and the names
// of users and hosts are never sent: of commands, only those are that
// Options.Commands lists.
//
// # What decides
//
// The first of these that says anything decides; [Telemetry.Decision] tells which
// one did:
//
//	DO_NOT_TRACK              set, and not empty, 0 or false: off
//	MYTOOL_TELEMETRY          off, log or on; also 0, false, no, 1, true and yes
//	the saved choice          on or off, by the subcommand or Ask
//	a CI system               off; see docs/cli.md for the variables
//	nothing                   off, until somebody agrees
//
// In the mode log, what would be sent is printed to stderr instead, and nothing
// is kept on the disk. Whoever says no in another terminal is obeyed by the runs
// that are under way before their next request.
//
// # Who it is
//
// All runs of an installation have one random anonymous ID. [Telemetry.Login] ties
// it to a user, in later runs too, and [Telemetry.Logout] takes a new one: two
// people are never mixed.
//
// # The end of a run
//
// [Telemetry.Finish] takes at most Options.ExitBudget, 300 ms, whatever the network
// and the disk do. What could not be sent by then is lost, or with Options.Spool is
// on the disk, where the next run finds it. A run that a signal ends, such as that
// of Ctrl-C, is no event unless the program handles it: see [Telemetry.Run].
//
// A nil *Telemetry does nothing, so a program need not check for one. The package
// depends on the standard library and package loopkit only.
package loopkitcli
