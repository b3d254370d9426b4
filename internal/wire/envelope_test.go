package wire

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEnvelopeHoldsTheMessagesOfOneKind(t *testing.T) {
	for kind, want := range map[Kind]string{
		Identify: `{"identifies":[1,2]}`,
		Group:    `{"groups":[1,2]}`,
		Track:    `{"tracks":[1,2]}`,
	} {
		open, end := Envelope(kind)
		assert.Equal(t, want, open+"1,2"+end)
	}
}

func TestBytesWithoutValuesAreNotSplit(t *testing.T) {
	head, tail := Documented([]byte(`{"messageId":"properties"}`))
	assert.Equal(t, `{"messageId":"properties"}`, string(head))
	assert.Empty(t, tail)
}

// documented is the form of the documentation page.
func documented(msg []byte) []byte {
	head, tail := Documented(msg)
	return append(append(append([]byte{}, head...), `"traits"`...), tail...)
}

func FuzzDocumented(f *testing.F) {
	const key = `"properties":`
	f.Add(key, key, key, key, key, key)
	f.Add(`,"properties":{}`, `properties`, `properties":`, `"properties`, `\"properties\":`, `\`)
	f.Add("", "", "", "", "", "")
	f.Fuzz(func(t *testing.T, id, userID, anonymousID, groupID, groupType, value string) {
		for _, kind := range []Kind{Identify, Group} {
			msg, err := AppendMessage(nil, &Message{
				Kind: kind, ID: id, UserID: userID, AnonymousID: anonymousID, GroupID: groupID, GroupType: groupType, Time: noon,
				Values: map[string]any{"properties": value, "list": []any{map[string]any{"properties": value}}},
			}, noLimit)
			require.NoError(t, err)

			var ours, theirs map[string]json.RawMessage
			require.NoError(t, json.Unmarshal(msg, &ours))
			require.NoError(t, json.Unmarshal(documented(msg), &theirs))
			require.NotContains(t, theirs, "properties")
			theirs["properties"] = theirs["traits"]
			delete(theirs, "traits")
			require.Equal(t, ours, theirs, "nothing but the key changes")
		}
	})
}
