package collector_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

func TestRecordTakesEachRequestOnceBeforeItsAnswer(t *testing.T) {
	type taken struct {
		request  collector.Request
		messages []collector.Message
	}
	var records []taken
	answered := false
	c := collector.New(collector.Options{
		Record: func(r collector.Request, m []collector.Message) {
			assert.False(t, answered, "the answer has left")
			records = append(records, taken{r, m})
		},
	})
	send := func(body string) {
		r := httptest.NewRequest(http.MethodPost, "/v1/tracks?apiKey=k", strings.NewReader(body))
		answered = false
		c.ServeHTTP(&watchedWriter{httptest.NewRecorder(), &answered}, r)
	}
	good := `{"tracks":[{"name":"page_view","anonymousId":"anon_1","timestamp":"2026-01-01T00:00:00Z"}]}`
	send(good)
	send(`{"tracks":[{"name":"page_view"}]}`)

	require.Len(t, records, 2)
	assert.Equal(t, "page_view", records[0].messages[0].Name)
	assert.Equal(t, good, string(records[0].request.Body))
	assert.Equal(t, http.StatusOK, records[0].request.Status)
	assert.Empty(t, records[1].messages)
	assert.Equal(t, http.StatusBadRequest, records[1].request.Status)
	assert.Equal(t, "message 1 of 1: a track needs anonymousId", records[1].request.Refusal)
	assert.Empty(t, c.Requests(), "whoever records keeps it")
	assert.Empty(t, c.Messages())
}

func TestRecordHearsOfARequestThatGotNoAnswer(t *testing.T) {
	calls := 0
	c := collector.New(collector.Options{
		Record: func(r collector.Request, _ []collector.Message) {
			calls++
			assert.Zero(t, r.Status)
		},
		Wrap: func(http.Handler) http.Handler {
			return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		},
	})
	c.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/v1/tracks", strings.NewReader("{}")))
	assert.Equal(t, 1, calls)
}

func TestDecodeKeepsWhatItReadOfAMessageThatIsRefused(t *testing.T) {
	form, elements, err := collector.Split(collector.Tracks, []byte(`{"tracks":[{"name":"page_view","userId":"user_1"}]}`))
	require.NoError(t, err)
	assert.Equal(t, "envelope", form)
	m, err := collector.Decode(collector.KindTrack, elements[0])
	require.EqualError(t, err, "a track needs anonymousId")
	assert.Equal(t, "user_1", m.UserID)
}

// watchedWriter tells when the first byte of an answer leaves.
type watchedWriter struct {
	http.ResponseWriter
	answered *bool
}

func (w *watchedWriter) WriteHeader(status int) {
	*w.answered = true
	w.ResponseWriter.WriteHeader(status)
}
