package doctor

import (
	"strings"
)

// checkOptOut names what makes programs with package loopkitcli silent. The
// commands of this tool and servers send whatever it says.
func checkOptOut(env Environment) []Finding {
	const check = "opt-out"
	if set(env.Getenv("DO_NOT_TRACK")) {
		return []Finding{warning(check, "DO_NOT_TRACK is set: command line programs with LoopKit's package loopkitcli send nothing",
			"nothing, if that is what you want; else unset it")}
	}
	if env.App != "" {
		name := variableOf(env.App)
		switch said := strings.ToLower(strings.TrimSpace(env.Getenv(name))); said {
		case "":
		case "on", "1", "true", "yes":
			return []Finding{ok(check, name+" switches it on")}
		case "log":
			return []Finding{warning(check, name+" is log: what would be sent is printed, and nothing is sent", "set it to on")}
		default:
			return []Finding{warning(check, name+" switches it off", "nothing, if that is what you want; else unset it")}
		}
	}
	for _, name := range ciVariables {
		if set(env.Getenv(name)) {
			return []Finding{warning(check, name+" is set: in continuous integration, programs with package loopkitcli send nothing unless somebody agreed before",
				"nothing, if this is continuous integration; else unset it")}
		}
	}
	return []Finding{ok(check, "neither DO_NOT_TRACK nor continuous integration")}
}

// ciVariables are those of package loopkitcli, which a test compares.
var ciVariables = [...]string{
	"CI", "CONTINUOUS_INTEGRATION", "BUILD_NUMBER", "BUILD_ID", "CI_NAME",
	"APPVEYOR", "BITBUCKET_BUILD_NUMBER", "BUDDY", "BUILDKITE", "CIRCLECI", "CIRRUS_CI", "CODEBUILD_BUILD_ID",
	"DRONE", "GITHUB_ACTIONS", "GITLAB_CI", "HEROKU_TEST_RUN_ID", "JENKINS_URL", "SEMAPHORE", "TEAMCITY_VERSION",
	"TF_BUILD", "TRAVIS", "WOODPECKER",
}

// set takes a variable as package loopkitcli does.
func set(value string) bool {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "", "0", "false":
		return false
	}
	return true
}

// variableOf is the variable by which the users of a program decide.
func variableOf(app string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, app) + "_TELEMETRY"
}
