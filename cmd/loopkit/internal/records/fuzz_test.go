package records_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/records"
)

func FuzzWhatIsEncodedDecodesToTheSame(f *testing.F) {
	for _, seed := range []string{
		signup,
		`{"type":"identify","userId":"user_123","anonymousId":"anon_456","traits":{"email":"user@example.com","n":1e400},"timestamp":"2025-01-15T10:30:00Z"}`,
		`{"userId":"u","type":"group","groupId":"team_456","groupType":"team","properties":{},"timestamp":null,"system":{"sdk":{"name":"x"},"sessionId":"s"}}`,
		`{"type":"deleteUser","userId":"user_123"}`, `{"groupId":"<&>","timestamp":"2025-01-15T10:30:00+02:00" , "type" : "deleteGroup" }`,
		`{"type":"track","type":"group"}`, `{"a":{"type":"x"},"type":"identify","userId":"u\u2028"}`, `{"type" "track"}`, `{"":"\\\"","type":"group","groupId":"g"}`, "{\"type\":\"identify\",\"userId\":\"\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := records.Decode(text)
		if err != nil {
			return
		}
		line, err := records.Encode(m)
		require.NoError(t, err)
		require.Equal(t, 1, bytes.Count(line, []byte("\n")), "one line: %q", line)
		again, err := records.Decode(line)
		require.NoError(t, err)
		second, err := records.Encode(again)
		require.NoError(t, err)
		require.Equal(t, string(line), string(second))

		m.Raw, again.Raw = nil, nil
		require.True(t, m.Timestamp.Equal(again.Timestamp))
		m.Timestamp = again.Timestamp
		require.Equal(t, m, again)
	})
}

func FuzzRowsAreThoseOfEncodingCSV(f *testing.F) {
	for _, seed := range []string{
		"u1,x\nu2,y\n", "u1,\"a\r\nb\"\r\nu2,y", "u1,\"a\"\"b\"\n\n\nu2,\"\"", "u1,\"a\"b\nu2,c", "a\"b,\"c\nd\n", "\"open\nrest\nrest", "u1,\r\r\n", ",\"\n\",\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		text := "type,userId,traits.x\n" + body
		r, err := records.NewReader(strings.NewReader(text), records.Options{Format: records.CSV})
		require.NoError(t, err)
		theirs := csv.NewReader(strings.NewReader(text))
		theirs.FieldsPerRecord = -1
		_, err = theirs.Read()
		require.NoError(t, err)
		end := theirs.InputOffset()
		for {
			cells, theirErr := theirs.Read()
			ours, err := r.Next()
			if errors.Is(theirErr, io.EOF) {
				require.ErrorIs(t, err, io.EOF)
				return
			}
			require.NoError(t, err)
			if theirErr != nil {
				require.Error(t, ours.Err)
				var wrong *csv.ParseError
				require.ErrorAs(t, theirErr, &wrong)
				require.EqualValues(t, wrong.StartLine, ours.Line)
				if wrong.Line != wrong.StartLine {
					return // ours may go on from another line
				}
				continue
			}
			line, _ := theirs.FieldPos(0)
			require.EqualValues(t, line, ours.Line)
			require.Equal(t, theirs.InputOffset(), ours.End)
			require.Equal(t, len(cells) != 3, ours.Err != nil && strings.Contains(ours.Err.Error(), "cells, but there are 3 columns"))
			require.GreaterOrEqual(t, ours.End, end)
			end = ours.End
		}
	})
}

func FuzzReadingNeverLosesItsPlace(f *testing.F) {
	f.Add("\xef\xbb\xbf"+signup+"\n\n"+signup, false)
	f.Add("type,userId\nidentify,\"a\nb\"\nx,\"open\nidentify,c", true)
	f.Fuzz(func(t *testing.T, text string, table bool) {
		opts := records.Options{Format: records.NDJSON}
		if table {
			opts.Format = records.CSV
		}
		r, err := records.NewReader(strings.NewReader(text), opts)
		if err != nil {
			return
		}
		all := rest(t, r)
		last := records.Position{}
		for i, record := range all {
			require.Greater(t, record.End, last.Offset)
			require.LessOrEqual(t, record.End, int64(len(text)))
			require.EqualValues(t, strings.Count(text[:record.End], "\n"), record.Lines)
			last = records.Position{Offset: record.End, Lines: record.Lines}
			if i%4 == 0 {
				opts.From = last
				from, err := records.NewReader(strings.NewReader(text), opts)
				require.NoError(t, err)
				require.Equal(t, append([]records.Record{}, all[i+1:]...), append([]records.Record{}, rest(t, from)...))
			}
		}
	})
}

func FuzzMembersAreThoseOfEncodingJSON(f *testing.F) {
	f.Add([]byte(signup))
	f.Add([]byte(`{"a":{"b":[1,{"c":"}"}]},"d\\\"":"\\", "e" : null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var want map[string]json.RawMessage
		err := json.Unmarshal(text, &want)
		got := map[string]json.RawMessage{}
		for name, value := range records.Members(text) {
			got[strings.ToValidUTF8(name, "\ufffd")] = value
		}
		if err != nil || want == nil || !utf8.Valid(text) {
			return // as long as it ends
		}
		require.Equal(t, want, got)
	})
}
