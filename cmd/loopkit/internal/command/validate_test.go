package command

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/rules"
)

const (
	goodVisit    = `{"type":"track","name":"page_view","anonymousId":"anon_456","properties":{"page":"/pricing"},"timestamp":"2025-01-15T10:29:00Z"}`
	goodIdentify = `{"type":"identify","userId":"user_123","anonymousId":"anon_456","traits":{"plan":"pro"},"timestamp":"2025-01-15T10:30:00Z"}`
	emptyTraits  = `{"type":"identify","userId":"user_123","anonymousId":"anon_456","traits":{},"timestamp":"2025-01-15T10:31:00Z"}`
	placeholder  = `{"type":"identify","userId":"null","anonymousId":"anon_789","traits":{"plan":"pro"},"timestamp":"2025-01-15T10:32:00Z"}`
	lonely       = `{"type":"group","groupId":"team_456","userId":"user_123","anonymousId":"anon_456","traits":{"name":"Acme Corp"},"timestamp":"2025-01-15T10:33:00Z"}`
)

// inFiles writes files with the given lines, name by name, into a directory of
// their own, which becomes the current one.
func inFiles(t *testing.T, files map[string][]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, lines := range files {
		require.NoError(t, os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	}
}

func TestValidateFailsForErrorsAndOnRequestForWarnings(t *testing.T) {
	for name, c := range map[string]struct {
		lines           []string
		plain, stricter int
		summary         string
	}{
		"good":       {[]string{goodVisit, goodIdentify}, statusOK, statusOK, "2 messages in 1 file: 0 errors, 0 warnings, 0 notes\n"},
		"a note":     {[]string{goodIdentify, lonely}, statusOK, statusOK, "2 messages in 1 file: 0 errors, 0 warnings, 1 note\n"},
		"a warning":  {[]string{goodIdentify, emptyTraits}, statusOK, statusFailed, "2 messages in 1 file: 0 errors, 1 warning, 0 notes\n"},
		"an error":   {[]string{goodIdentify, placeholder}, statusFailed, statusFailed, "2 messages in 1 file: 1 error, 0 warnings, 0 notes\n"},
		"no message": {[]string{goodIdentify, "}"}, statusFailed, statusFailed, "2 messages in 1 file: 1 error, 0 warnings, 0 notes\n"},
		"empty":      {nil, statusOK, statusOK, "0 messages in 1 file: 0 errors, 0 warnings, 0 notes\n"},
	} {
		inFiles(t, map[string][]string{"events.ndjson": c.lines})
		for _, format := range validateFormats {
			r := (&world{t: t}).run("validate", "events.ndjson", "--format", format)
			assert.Equal(t, c.plain, r.status, "%s: %s", name, r.out)
			assert.Equal(t, c.summary, r.err, name)
			r = (&world{t: t}).run("validate", "events.ndjson", "--format", format, "--warn-as-error")
			assert.Equal(t, c.stricter, r.status, "%s: %s", name, r.out)
		}
	}
}

func TestValidateNamesFileLineRuleAndReason(t *testing.T) {
	inFiles(t, map[string][]string{"events.ndjson": {
		goodVisit, "", "nonsense", `{"type":"tracks"}`, `{"type":"track","name":"page_view","anonymousId":"anon_456"}`, `{"type":"group"}`,
		`{"type":"track","name":"page_view","timestamp":"2025-01-15T10:29:00Z"}`, placeholder,
	}})
	r := (&world{t: t}).run("validate", "events.ndjson")
	assert.Equal(t, statusFailed, r.status)
	for _, line := range []string{
		"events.ndjson:3: error: it is not JSON [INVALID]\n",
		"events.ndjson:4: error: the \"type\" \"tracks\" is unknown; it must be identify, group, track, deleteUser or deleteGroup [INVALID]\n",
		"events.ndjson:5: error: a track needs timestamp [INVALID]\n",
		"events.ndjson:6: error: a group needs groupId [INVALID]\n",
		"events.ndjson:7: error: without anonymousId this event is nobody's; LoopKit requires one on every track [W-NOANON]\n",
		"events.ndjson:8: error: userId is the placeholder null [W-BADUSERID]\n",
		"\nINVALID  Not a message (4 times)\n",
		"\nW-BADUSERID  A placeholder instead of an ID (once)\n",
	} {
		assert.Contains(t, r.out, line)
	}
	for _, line := range strings.Split(r.out, "\n") {
		if strings.HasPrefix(line, " ") {
			assert.LessOrEqual(t, len(line), 80)
		}
	}
}

func TestValidateNamesTheMemberThatWasMeant(t *testing.T) {
	inFiles(t, map[string][]string{"events.ndjson": {
		goodVisit,
		strings.Replace(goodVisit, `"anonymousId"`, `"user_id":"user_123","anonymousId"`, 1),
		strings.Replace(goodVisit, `"name"`, `"event"`, 1),
		strings.Replace(goodIdentify, `"userId"`, `"userid"`, 1),
		`{"type":"deleteUser","user_id":"user_123"}`,
		`{"anonymous_id":"anon_456"}`,
		"nonsense",
	}})
	r := (&world{t: t}).run("validate", "events.ndjson")
	assert.Equal(t, statusFailed, r.status)
	for _, line := range []string{
		"events.ndjson:2: warning: user_id is not a member that LoopKit documents: did you mean userId? [W-MEMBER]\n",
		"events.ndjson:3: error: a track needs name [INVALID]\nevents.ndjson:3: warning: event is not a member that LoopKit documents: did you mean name? [W-MEMBER]\n",
		"events.ndjson:4: error: an identify needs userId [INVALID]\nevents.ndjson:4: warning: userid is not a member that LoopKit documents: did you mean userId? [W-MEMBER]\n",
		"events.ndjson:5: error: a deleteUser needs userId [INVALID]\nevents.ndjson:5: warning: user_id is not a member that LoopKit documents: did you mean userId? [W-MEMBER]\n",
		"events.ndjson:6: warning: anonymous_id is not a member that LoopKit documents: did you mean anonymousId? [W-MEMBER]\n",
		"events.ndjson:7: error: it is not JSON [INVALID]\n",
	} {
		assert.Contains(t, r.out, line)
	}
	assert.Equal(t, 5, strings.Count(r.out, "[W-MEMBER]"))
}

func TestValidateTakesAllFilesForOneStory(t *testing.T) {
	inFiles(t, map[string][]string{
		"users.ndjson":  {goodIdentify},
		"empty.ndjson":  nil,
		"events.ndjson": {goodVisit, strings.Replace(emptyTraits, "user_123", "User_123", 1), strings.Replace(goodIdentify, "user_123", "USER_123", 1)},
	})
	r := (&world{t: t}).run("validate", "users.ndjson", "empty.ndjson", "events.ndjson")
	assert.Zero(t, r.status)
	assert.Contains(t, r.out, "events.ndjson:2: warning: userId is User_123 here, and user_123 in users.ndjson:1 [W-IDCASE]\n")

	r = (&world{t: t}).run("validate", "events.ndjson", "users.ndjson")
	assert.Contains(t, r.out, "events.ndjson:3: warning: userId is USER_123 here, and User_123 in line 2 [W-IDCASE]\n")
	assert.Contains(t, r.out, "users.ndjson:1: warning: userId is user_123 here, and User_123 in events.ndjson:2 [W-IDCASE]\n")
}

func TestAConclusionNamesTheFileOfEachLine(t *testing.T) {
	inFiles(t, map[string][]string{
		"users.ndjson":  {goodIdentify},
		"events.ndjson": {strings.Replace(goodVisit, "anon_456", "anon_phone", 1), strings.Replace(goodVisit, `"anon_456"`, `"anon_phone","userId":"user_123"`, 1)},
	})
	const detail = "1 event of user_123 came under anon_phone, which no identify names; user_123 was identified in users.ndjson:1 [W-ANONDRIFT]\n"
	for _, order := range [][]string{{"users.ndjson", "events.ndjson"}, {"events.ndjson", "users.ndjson"}} {
		r := (&world{t: t}).run(append([]string{"validate"}, order...)...)
		assert.Contains(t, r.out, "events.ndjson:1: warning: "+detail)
	}
}

func TestValidateReadsCSVAndStandardInput(t *testing.T) {
	inFiles(t, map[string][]string{"users.csv": {"type,id,anonymousId,traits.plan", "identify,user_123,anon_456,pro", "identify,null,anon_789,pro"}})
	r := (&world{t: t}).run("validate", "users.csv", "--map", "id=userId")
	assert.Equal(t, statusFailed, r.status)
	assert.Contains(t, r.out, "users.csv:3: error: userId is the placeholder null [W-BADUSERID]\n")

	r = (&world{t: t, in: goodIdentify + "\n" + placeholder}).run("validate", "-")
	assert.Equal(t, statusFailed, r.status)
	assert.Contains(t, r.out, "-:2: error: userId is the placeholder null [W-BADUSERID]\n")
}

func TestValidateWritesAFindingALineForMachines(t *testing.T) {
	inFiles(t, map[string][]string{"events.ndjson": {goodIdentify, emptyTraits, placeholder}})
	r := (&world{t: t}).run("validate", "events.ndjson", "--format", "json")
	var found []problem
	for _, line := range strings.Split(strings.TrimSpace(r.out), "\n") {
		var one problem
		require.NoError(t, json.Unmarshal([]byte(line), &one), line)
		found = append(found, one)
	}
	require.Len(t, found, 2)
	rule, _ := rules.ByID("W-EMPTYTRAITS")
	assert.Equal(t, problem{"events.ndjson", 2, rule.ID, rules.Warning, rule.Title, "this identify has no traits", rule.Fix, rule.Section}, found[0])
	assert.Equal(t, "W-BADUSERID", found[1].Rule)
}

func TestValidateAnnotatesAWorkflow(t *testing.T) {
	rule, _ := rules.ByID("W-IDCASE")
	inFiles(t, map[string][]string{"100%, a:b.ndjson": {goodIdentify, strings.Replace(goodIdentify, "user_123", "USER_123", 1), "{", lonely}})
	r := (&world{t: t}).run("validate", "100%, a:b.ndjson", "--format", "github")
	const file = "file=100%25%2C a%3Ab.ndjson"
	lines := strings.Split(r.out, "\n")
	require.Len(t, lines, 4)
	assert.Equal(t, "::warning "+file+",line=2,title=W-IDCASE One ID%2C spelled in different ways::userId is USER_123 here, and user_123 in line 1. "+rule.Fix, lines[0])
	assert.True(t, strings.HasPrefix(lines[1], "::error "+file+",line=3,title=INVALID Not a message::it is not JSON. "), lines[1])
	assert.True(t, strings.HasPrefix(lines[2], "::notice "+file+",line=4,title=W-LONELYGROUP A group of one::team_456 has one member so far. "), lines[2])
	assert.Empty(t, lines[3])
}

func TestValidateListsAFewOfMany(t *testing.T) {
	var many []string
	for i := range 3 * mostListed {
		many = append(many, strings.Replace(emptyTraits, "10:31:00", fmt.Sprintf("10:31:%02d", i), 1))
	}
	inFiles(t, map[string][]string{"events.ndjson": many})
	for _, c := range []struct {
		args []string
		want int
	}{
		{nil, mostListed}, {[]string{"--all"}, len(many)},
		{[]string{"--format", "github"}, mostListed}, {[]string{"--format", "github", "--all"}, len(many)},
		{[]string{"--format", "json"}, len(many)},
	} {
		r := (&world{t: t}).run(append([]string{"validate", "events.ndjson"}, c.args...)...)
		assert.Zero(t, r.status)
		assert.Equal(t, c.want, strings.Count(r.out, "this identify has no traits"), "%q", c.args)
		assert.Contains(t, r.err, "60 warnings")
	}
	r := (&world{t: t}).run("validate", "events.ndjson")
	assert.Contains(t, r.out, "(60 times, of which 20 are above; --all lists them all)")
}

func TestValidateShowsNothingThatATerminalWouldObey(t *testing.T) {
	inFiles(t, map[string][]string{"events.ndjson": {strings.Replace(goodVisit, "page_view", `\u001b[31m\r\n`, 1), `{"type":"\u001b[2J"}`}})
	r := (&world{t: t}).run("validate", "events.ndjson")
	assert.NotContains(t, r.out, "\x1b")
	assert.NotContains(t, r.out, "\r")

	r = (&world{t: t, terminal: true}).run("validate", "events.ndjson")
	assert.Contains(t, r.out, "\x1b[31merror\x1b[0m: the \"type\"")
}

func TestValidateExplainsEveryRule(t *testing.T) {
	for _, id := range append(ruleIDs(), noMessage.ID) {
		r := (&world{t: t}).run("validate", "--explain", strings.ToLower(id))
		assert.Zero(t, r.status, id)
		assert.True(t, strings.HasPrefix(r.out, id+"  "), r.out)
		assert.Empty(t, r.err)
	}
}

func TestAWrongUseOfValidateSaysWhatToDo(t *testing.T) {
	inFiles(t, map[string][]string{"events.ndjson": {goodIdentify}})
	for says, args := range map[string][]string{
		"no file is named":              {},
		`--format is "xml"; it must be`: {"events.ndjson", "--format", "xml"},
		`--map is "id"; write it as`:    {"events.ndjson", "--map", "id"},
		`there is no rule "W-NONE"`:     {"--explain", "W-NONE"},
		"--explain takes no files":      {"events.ndjson", "--explain", "W-PII"},
		"there is no flag --warnings":   {"events.ndjson", "--warnings"},
		`--explain is empty`:            {"--explain", ""},
	} {
		r := (&world{t: t}).run(append([]string{"validate"}, args...)...)
		assert.Equal(t, statusUsage, r.status, "%q", args)
		assert.Contains(t, r.err, says, "%q", args)
		assert.Empty(t, r.out, "%q", args)
	}
}

func TestAFileThatCannotBeCheckedIsAFailure(t *testing.T) {
	inFiles(t, map[string][]string{"events.ndjson": {placeholder}, "more.ndjson": {emptyTraits, lonely}, "users.csv": {"colour,type", "red,identify"}})
	r := (&world{t: t}).run("validate", "events.ndjson", filepath.Join("missing", "file.ndjson"), "more.ndjson")
	assert.Equal(t, statusFailed, r.status)
	assert.Contains(t, r.out, "events.ndjson:1: error", "what was found before it is shown")
	assert.Contains(t, r.out, "more.ndjson:1: warning", "and what was found behind it")
	assert.Contains(t, r.out, "\nW-EMPTYTRAITS  An identify without")
	assert.NotContains(t, r.out, "W-LONELYGROUP", "the other member may be in the missing file")
	assert.Contains(t, r.err, "file.ndjson")

	assert.Regexp(t, `(?m)^loopkit: checking \.: [^:]+$`, (&world{t: t}).run("validate", ".").err, "the file is named once")
	assert.Contains(t, r.err, "3 messages in 2 files: 1 error, 1 warning, 0 notes\n")

	r = (&world{t: t}).run("validate", "users.csv")
	assert.Equal(t, statusFailed, r.status)
	assert.Contains(t, r.err, "colour")
}

func TestAnOutputOfValidateThatCannotBeWrittenIsAFailure(t *testing.T) {
	inFiles(t, map[string][]string{"events.ndjson": {emptyTraits}})
	for _, args := range [][]string{{"validate", "events.ndjson"}, {"validate", "events.ndjson", "--format", "json"}, {"validate", "--explain", "W-PII"}} {
		var err strings.Builder
		p := &program{in: strings.NewReader(""), out: brokenPipe{}, err: &err, getenv: func(string) string { return "" }}
		assert.Equal(t, statusFailed, p.run(t.Context(), args), "%q", args)
		assert.Contains(t, err.String(), "closed pipe")
	}
}
