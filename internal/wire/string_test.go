package wire

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestStringsAreEscapedWhereJSONDemandsItAndNowhereElse(t *testing.T) {
	for in, want := range map[string]string{
		"":                         `""`,
		"plain":                    `"plain"`,
		`say "hi" \o/`:             `"say \"hi\" \\o/"`,
		"\b\f\n\r\t":               `"\b\f\n\r\t"`,
		"\x00\x1f\x7f":             `"\u0000\u001f` + "\x7f" + `"`,
		"<&>\u2028":                `"<&>` + "\u2028" + `"`,
		"é日🎉":                      `"é日🎉"`,
		"a\xffb":                   `"a` + "\uFFFD" + `b"`,
		"\xed\xa0\x80":             `"` + "\uFFFD\uFFFD\uFFFD" + `"`,
		"ends inside one \xf0\x9f": `"ends inside one ` + "\uFFFD\uFFFD" + `"`,
		"\uFFFD":                   `"` + "\uFFFD" + `"`,
	} {
		assert.Equal(t, want, string(AppendString(nil, in)))
	}
}

func TestEveryByteIsSeenAtEveryPlace(t *testing.T) {
	for length := range 26 {
		text := bytes.Repeat([]byte("a"), length)
		require.True(t, IsPlain(string(text)))
		for at := range text {
			for c := range 256 {
				text[at] = byte(c)
				isPlain := c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\'
				require.Equal(t, isPlain, IsPlain(string(text)), "%q", text)
			}
			text[at] = 'a'
		}
	}
}

func FuzzAppendString(f *testing.F) {
	for _, seed := range []string{"", "plain", "\"\\\x00\n", "é日🎉", "a\xffb", "\xed\xa0\x80", "<&>\u2028"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := AppendString([]byte("before"), s)
		out, found := bytes.CutPrefix(out, []byte("before"))
		require.True(t, found)
		require.True(t, utf8.Valid(out))
		require.Equal(t, IsPlain(s), string(out) == `"`+s+`"` && !bytes.ContainsFunc(out, func(r rune) bool { return r >= utf8.RuneSelf }))
		require.False(t, bytes.ContainsAny(out, "\r\n"), "one line")
		require.GreaterOrEqual(t, len(out), len(s)+2, "a string is never shorter in JSON")

		theirs, err := json.Marshal(s)
		require.NoError(t, err)
		var got, want string
		require.NoError(t, json.Unmarshal(out, &got))
		require.NoError(t, json.Unmarshal(theirs, &want))
		require.Equal(t, want, got)
		if utf8.ValidString(s) {
			require.Equal(t, s, got)
		}
	})
}
