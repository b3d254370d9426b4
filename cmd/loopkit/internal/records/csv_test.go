package records_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/records"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

func readCSV(t testing.TB, text string, opts records.Options) []records.Record {
	t.Helper()
	return readFile(t, write(t, "a.csv", text), opts)
}

func TestARowIsAMessage(t *testing.T) {
	all := readCSV(t, `type,messageId,userId,anonymousId,groupId,groupType,name,timestamp,traits.plan,properties.method,properties.n
identify,m1,user_123,anon_456,,,,2025-01-15T10:30:00Z,pro,,
group,m2,user_123,anon_456,team_456,team,,2025-01-15T10:30:00Z,enterprise,,
track,m3,,anon_456,,,user_signup,2025-01-15T10:30:00Z,,email,25
`, records.Options{})
	require.Len(t, all, 3)
	for _, r := range all {
		require.NoError(t, r.Err)
	}
	user, group, event := all[0].Message, all[1].Message, all[2].Message
	assert.Equal(t, collector.KindIdentify, user.Kind)
	assert.Equal(t, map[string]any{"plan": "pro"}, user.Values)
	assert.Equal(t, "traits", user.ValuesKey)
	assert.Equal(t, "team", group.GroupType)
	assert.Equal(t, map[string]any{"method": "email", "n": "25"}, event.Values, "text without Infer")
	assert.Equal(t, "m3", event.MessageID)
	assert.JSONEq(t, `{"messageId":"m3","anonymousId":"anon_456","name":"user_signup","timestamp":"2025-01-15T10:30:00Z","properties":{"method":"email","n":"25"}}`, string(event.Raw),
		"an empty cell is an absent member")
}

func TestTypesAreInferredOnlyWhereNothingIsLost(t *testing.T) {
	for cell, want := range map[string]any{
		"25": 25.0, "-3": -3.0, "0.5": 0.5, "0": 0.0, "true": true, "false": false, "null": nil,
		"1.10": "1.10", "007": "007", "+49": "+49", "1e5": "1e5", "9007199254740993": "9007199254740993",
		"True": "True", "NaN": "NaN", "Inf": "Inf", "0x10": "0x10", " 1": " 1", "-0": 0.0, ".5": ".5",
	} {
		all := readCSV(t, "type,userId,traits.x\nidentify,25,"+cell+"\n", records.Options{Infer: true})
		require.NoError(t, all[0].Err)
		assert.Equal(t, map[string]any{"x": want}, all[0].Message.Values, cell)
		assert.Equal(t, "25", all[0].Message.UserID, "IDs are text")
	}
}

func TestColumnsAreMapped(t *testing.T) {
	all := readCSV(t, "kind, id ,Plan,secret\nidentify,user_123,pro,x\n", records.Options{
		Map: map[string]string{"kind": "type", "id": "userId", "Plan": "traits.plan", "secret": ""},
	})
	require.NoError(t, all[0].Err)
	assert.JSONEq(t, `{"userId":"user_123","traits":{"plan":"pro"}}`, string(all[0].Message.Raw))
}

func TestAHeadThatIsWrongSaysWhatToDo(t *testing.T) {
	for name, test := range map[string]struct {
		head   string
		mapped map[string]string
		why    string
	}{
		"unknown column":   {"type,plan", nil, `Map it with --map plan=FIELD, or leave it out with --map plan=`},
		"unknown field":    {"type,x", map[string]string{"x": "user"}, `mapped to "user", which is no field`},
		"no such column":   {"type,userId", map[string]string{"x": "userId"}, `no column "x" to map`},
		"one field twice":  {"type,userId,x", map[string]string{"x": "userId"}, `"userId" and "x" are both userId`},
		"no type":          {"userId,name", nil, `no column is "type"`},
		"bare traits":      {"type,traits.", nil, "is no field"},
		"not CSV":          {`type,"userId`, nil, "line 1, which must name the columns"},
		"nothing to map":   {"", map[string]string{"x": "userId"}, "the file is empty"},
		"NDJSON by chance": {signup, nil, "which must name the columns"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := records.Open(write(t, "a.csv", test.head), records.Options{Map: test.mapped})
			assert.ErrorContains(t, err, test.why)
		})
	}
}

func TestRowsKnowTheirLines(t *testing.T) {
	text := "type,userId,traits.note\nidentify,u1,\"two\r\nlines\"\n\nidentify,u2,\nidentify,u3,\"a\"b\nidentify,u4\nidentify,u5,x"
	all := readCSV(t, text, records.Options{})
	require.Len(t, all, 5)
	lines, ends, errs := []int64{}, []string{}, []bool{}
	for _, r := range all {
		lines, ends, errs = append(lines, r.Line), append(ends, text[:r.End]), append(errs, r.Err != nil)
	}
	assert.Equal(t, []int64{2, 5, 6, 7, 8}, lines)
	assert.Equal(t, []bool{false, false, true, true, false}, errs)
	assert.Equal(t, map[string]any{"note": "two\nlines"}, all[0].Message.Values)
	assert.True(t, strings.HasSuffix(ends[0], "lines\"\n"))
	assert.Contains(t, all[2].Err.Error(), "it is not CSV: column 15")
	assert.Contains(t, all[3].Err.Error(), "it has 2 cells, but there are 3 columns")
	assert.True(t, all[4].Torn)
	assert.Len(t, ends[4], len(text))
}

func TestAQuoteThatNothingClosesCostsOneLine(t *testing.T) {
	const open = "type,userId,traits.note\nidentify,u1,\"open\nidentify,u2,x\n"
	for name, test := range map[string]struct {
		rest     string
		lastLine int64
	}{
		"to the end of the file": {"identify,u3,y", 4},
		"over the bound":         {strings.Repeat("identify,u3,"+strings.Repeat("x", 1000)+"\n", records.MaxBytes/1000), 3 + records.MaxBytes/1000},
		"before a long line":     {strings.Repeat("x", 2*records.MaxBytes) + "\nidentify,u3,x", 5},
	} {
		all := readCSV(t, open+test.rest, records.Options{})
		assert.Error(t, all[0].Err, name)
		assert.EqualValues(t, 2, all[0].Line)
		assert.Equal(t, `identify,u1,"open`, string(all[0].Raw))
		assert.NoError(t, all[1].Err, name)
		assert.Equal(t, "u2", all[1].Message.UserID)
		last := all[len(all)-1]
		assert.NoError(t, last.Err)
		assert.Equal(t, test.lastLine, last.Line, name)
		assert.EqualValues(t, len(open)+len(test.rest), last.End, name)
	}
}
