package records_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/records"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

const signup = `{"type":"track","name":"user_signup","anonymousId":"anon_456","properties":{"method":"email"},"timestamp":"2025-01-15T10:30:00Z"}`

// write makes a file of the test's own.
func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func readFile(t testing.TB, path string, opts records.Options) []records.Record {
	t.Helper()
	r, err := records.Open(path, opts)
	require.NoError(t, err)
	all := rest(t, r)
	require.NoError(t, r.Close())
	return all
}

func rest(t testing.TB, r *records.Reader) (all []records.Record) {
	t.Helper()
	for {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		all = append(all, record)
	}
}

func TestALineIsAMessageWithItsPlace(t *testing.T) {
	text := "\xef\xbb\xbf" + signup + "\r\n\n  \n" + `{"userId":"user_123","type":"identify","traits":{"plan":"pro"}}`
	all := readFile(t, write(t, "messages.ndjson", text), records.Options{})
	require.Len(t, all, 2)

	assert.NoError(t, all[0].Err)
	assert.EqualValues(t, 1, all[0].Line)
	assert.EqualValues(t, 3+len(signup)+2, all[0].End)
	assert.Equal(t, signup, string(all[0].Raw))
	assert.False(t, all[0].Torn)
	m := all[0].Message
	assert.Equal(t, collector.KindTrack, m.Kind)
	assert.Equal(t, "user_signup", m.Name)
	assert.Equal(t, map[string]any{"method": "email"}, m.Values)
	assert.Equal(t, time.Date(2025, 1, 15, 10, 30, 0, 0, time.UTC), m.Timestamp)
	assert.NotContains(t, string(m.Raw), `"type"`, "which is not of the wire")

	assert.NoError(t, all[1].Err)
	assert.EqualValues(t, 4, all[1].Line, "blank lines count")
	assert.EqualValues(t, len(text), all[1].End)
	assert.True(t, all[1].Torn)
	assert.Equal(t, "user_123", all[1].Message.UserID)
}

func TestALineThatIsNoMessageSaysWhy(t *testing.T) {
	for name, test := range map[string]struct{ line, why string }{
		"not JSON":          {`{"type":"track"`, "it is not JSON"},
		"an array":          {`[` + signup + `]`, "one object a line"},
		"a number":          {`1`, `it has no "type"`},
		"no type":           {`{"userId":"user_123"}`, `it has no "type"; it must be identify, group, track`},
		"another type":      {`{"type":"page","name":"x"}`, `the "type" "page" is unknown`},
		"type not text":     {`{"type":{"is":"track"}}`, `its "type" is not a string`},
		"type twice":        {`{"type":"track","type":"group"}`, `it has "type" twice`},
		"userId not text":   {`{"type":"identify","userId":7}`, "userId must be a string"},
		"no userId":         {`{"type":"identify","userId":""}`, "an identify needs userId"},
		"no groupId":        {`{"type":"group","userId":"u"}`, "a group needs groupId"},
		"no name":           {`{"type":"track","anonymousId":"a"}`, "a track needs name"},
		"no timestamp":      {`{"type":"track","name":"x","anonymousId":"a"}`, "a track needs timestamp"},
		"not a timestamp":   {`{"type":"track","name":"x","anonymousId":"a","timestamp":"yesterday"}`, "not RFC 3339"},
		"traits twice":      {`{"type":"identify","userId":"u","traits":{},"properties":{}}`, "exclude each other"},
		"nobody to delete":  {`{"type":"deleteUser"}`, "a deleteUser needs userId"},
		"no group to leave": {`{"type":"deleteGroup"}`, "a deleteGroup needs groupId"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := records.Decode([]byte(test.line))
			assert.ErrorContains(t, err, test.why)
		})
	}
}

func TestATrackOfAUserAloneIsReadAlthoughItIsWrong(t *testing.T) {
	m, err := records.Decode([]byte(`{"type":"track","name":"x","userId":"user_123","timestamp":"2025-01-15T10:30:00Z"}`))
	assert.ErrorIs(t, err, records.ErrNoAnonymousID)
	assert.Equal(t, "user_123", m.UserID)
	assert.False(t, m.Timestamp.IsZero())
}

func TestALineThatIsTooLongIsPassedOver(t *testing.T) {
	long := strings.Repeat("x", records.MaxBytes+1)
	fits := `{"type":"identify","userId":"u","traits":{"a":"` + strings.Repeat("x", records.MaxBytes-100) + `"}}`
	all := readFile(t, write(t, "x.ndjson", long+"\n"+fits+"\n"+signup+"\n"+long), records.Options{})
	require.Len(t, all, 4)
	assert.ErrorContains(t, all[0].Err, "longer than 1048576 bytes")
	assert.NoError(t, all[1].Err)
	assert.NoError(t, all[2].Err)
	assert.EqualValues(t, 3, all[2].Line)
	assert.EqualValues(t, len(long)+1+len(fits)+1+len(signup)+1, all[2].End)
	assert.ErrorContains(t, all[3].Err, "longer")
	assert.EqualValues(t, 4, all[3].Line)
	assert.True(t, all[3].Torn)
}

func TestTheFormatIsThatOfTheNameOrOfTheFirstByte(t *testing.T) {
	const table = "type,userId\nidentify,user_123\n"
	for name, text := range map[string]string{
		"a.csv": table, "a.CSV": table, "a.txt": table, "a": "\xef\xbb\xbf" + table,
		"a.ndjson": signup, "a.jsonl": signup, "a.json": signup, "a.log": " \r\n\t" + signup, "a.data": signup,
	} {
		all := readFile(t, write(t, name, text), records.Options{})
		if assert.Len(t, all, 1, name) {
			assert.NoError(t, all[0].Err, name)
		}
	}
	assert.Empty(t, readFile(t, write(t, "empty", ""), records.Options{}))
	assert.Empty(t, readFile(t, write(t, "empty.csv", ""), records.Options{}))
	all := readFile(t, write(t, "a.json", table), records.Options{Format: records.CSV})
	assert.Len(t, all, 1, "what is asked for goes first")
}

func TestAFileThatCannotBeReadSaysWhatToDo(t *testing.T) {
	_, err := records.Open(filepath.Join(t.TempDir(), "none.ndjson"), records.Options{})
	assert.ErrorIs(t, err, os.ErrNotExist)
	_, err = records.Open(write(t, "a.csv", "\xff\xfet\x00"), records.Options{})
	assert.ErrorContains(t, err, "save it as UTF-8")
	_, err = records.Open(write(t, "a.gz", signup), records.Options{})
	assert.ErrorContains(t, err, "not compressed")
	_, err = records.Open(write(t, "a", signup), records.Options{Format: "xml"})
	assert.ErrorContains(t, err, `the format "xml" is unknown; it must be auto, ndjson or csv`)
}

func TestCompressedFilesAreDecompressed(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := io.WriteString(w, "type,userId\nidentify,user_123\nidentify,user_124\n")
	require.NoError(t, err)
	require.NoError(t, w.Close())
	path := write(t, "users.csv.gz", packed.String())

	all := readFile(t, path, records.Options{})
	require.Len(t, all, 2)
	from := records.Position{Offset: all[0].End, Lines: all[0].Lines}
	assert.Equal(t, all[1:], readFile(t, path, records.Options{From: from}))
}

func TestReadingGoesOnFromAnyRecord(t *testing.T) {
	for name, text := range map[string]string{
		"a.ndjson": "\xef\xbb\xbf" + signup + "\n\r\n" + signup + "\r\nrubbish\n" + signup,
		"a.csv": "type,userId,traits.note\r\nidentify,u1,\"two\r\nlines\"\r\n\r\nidentify,u2,\"quoted \"\" quote\"\n" +
			"identify,\"u\n3\",x\nbad\"row,x,y\nidentify,u4\nidentify,u5,\"never closed\nidentify,u6,last",
	} {
		path := write(t, name, text)
		all := readFile(t, path, records.Options{})
		require.Greater(t, len(all), 3)
		for i, r := range all {
			from := records.Position{Offset: r.End, Lines: r.Lines}
			assert.Equal(t, all[i+1:], append([]records.Record{}, readFile(t, path, records.Options{From: from})...), "%s: from line %d", name, r.Line)
		}
	}
	path := write(t, "a.csv", "type,userId\nidentify,u")
	_, err := records.Open(path, records.Options{From: records.Position{Offset: 3}})
	assert.ErrorContains(t, err, "no record at byte 3")
}

func TestMembersAreThoseOfTheObject(t *testing.T) {
	object := ` { "a" : [1, {"b":"}"}] , "c\u0064\"" : "x\\", "n":9007199254740993,"":{} } `
	got := map[string]string{}
	for name, value := range records.Members([]byte(object)) {
		got[name] = string(value)
	}
	assert.Equal(t, map[string]string{"a": `[1, {"b":"}"}]`, `cd"`: `"x\\"`, "n": "9007199254740993", "": "{}"}, got)
	for _, text := range []string{"", "[]", "{", "{}", `{"a"`, `{"a":`, "1"} {
		for name := range records.Members([]byte(text)) {
			assert.Fail(t, "none is expected", "%q of %s", name, text)
		}
	}
}
