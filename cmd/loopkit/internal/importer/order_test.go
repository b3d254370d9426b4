package importer_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/importer"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestEachTypeOfRecordThatNamesOnePersonArrivesInTheOrderOfTheFile(t *testing.T) {
	requireOrder(t, 100, func(m loopkittest.Message, _ int) string { return m.UserID + m.AnonymousID })
}

func TestEachTypeOfRecordThatIsLinkedToOnePersonArrivesInTheOrderOfTheFile(t *testing.T) {
	requireOrder(t, 600, func(_ loopkittest.Message, n int) string { return fmt.Sprint("person ", n%9) })
}

// requireOrder imports what nine people did with two devices each, before and
// after an identify links these. n tells the person.
func requireOrder(t *testing.T, window int, who func(m loopkittest.Message, n int) string) {
	t.Helper()
	server := loopkittest.NewServer(t)
	const at = `"timestamp":"2025-01-15T10:30:00Z"`
	var lines []string
	for i := range 600 {
		person := i % 9
		switch device := i / 90 % 2; { // that only an identify links to the person
		case i/9%10 == 5:
			lines = append(lines, fmt.Sprintf(`{"type":"identify","userId":"user_%d","anonymousId":"anon_%d_%d","traits":{"n":%d},%s}`, person, person, device, i, at))
		case i/9%10 > 5:
			lines = append(lines, fmt.Sprintf(`{"type":"track","name":"x","userId":"user_%d","properties":{"n":%d},%s}`, person, i, at))
		default:
			lines = append(lines, fmt.Sprintf(`{"type":"track","name":"x","anonymousId":"anon_%d_%d","properties":{"n":%d},%s}`, person, device, i, at))
		}
	}
	opts := to(server)
	importer.Window(&opts, window)
	server.Script(loopkittest.Tracks, loopkittest.Fault{}, loopkittest.Fault{Status: http.StatusServiceUnavailable}, loopkittest.Fault{}, loopkittest.Fault{Reset: true})
	mustImport(t, write(t, lines...), opts)
	messages := server.Messages()
	require.Len(t, messages, 600)
	last := map[string]int{}
	for i, n := range numbers(messages) {
		key := fmt.Sprint(messages[i].Kind, who(messages[i], n))
		assert.GreaterOrEqual(t, n, last[key], "of %s", key)
		last[key] = n
	}
}

func TestAGroupFollowsItsMembersIdentify(t *testing.T) {
	server := loopkittest.NewServer(t)
	var lines []string
	for i := range 50 {
		lines = append(lines,
			fmt.Sprintf(`{"type":"identify","userId":"user_%d"}`, i),
			fmt.Sprintf(`{"type":"group","userId":"user_%d","groupId":"team_%d","traits":{"size":%d}}`, i, i%5, i))
	}
	mustImport(t, write(t, lines...), to(server))
	known, size := map[string]bool{}, map[string]float64{}
	for _, m := range server.Messages() {
		if m.Kind == loopkittest.KindIdentify {
			known[m.UserID] = true
			continue
		}
		assert.True(t, known[m.UserID], m.UserID)
		assert.GreaterOrEqual(t, m.Values["size"], size[m.GroupID], "traits of a group keep their order")
		size[m.GroupID] = m.Values["size"].(float64)
	}
	assert.Len(t, size, 5)
}
