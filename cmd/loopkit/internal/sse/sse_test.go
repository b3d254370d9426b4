package sse_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/sse"
)

// events reads a stream to its end.
func events(t testing.TB, stream io.Reader) (out []sse.Event) {
	t.Helper()
	r := sse.NewReader(stream)
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		require.NoError(t, err)
		out = append(out, e)
	}
}

func event(id, name, data string) sse.Event { return sse.Event{ID: id, Name: name, Data: []byte(data)} }

func TestAStreamIsReadAsTheHTMLStandardSays(t *testing.T) {
	tests := map[string]struct {
		stream string
		want   []sse.Event
	}{
		"an event":                         {"data: a\n\n", []sse.Event{event("", "message", "a")}},
		"one with everything":              {"id: 7\nevent: record\ndata: a\n\n", []sse.Event{event("7", "record", "a")}},
		"several lines of data":            {"data: a\ndata\ndata:  b\n\n", []sse.Event{event("", "message", "a\n\n b")}},
		"one space only is taken away":     {"data:  a\n\ndata:b\n\n", []sse.Event{event("", "message", " a"), event("", "message", "b")}},
		"comments and unknown fields":      {": hello\nfoo: bar\ndata: a\n:\n\n", []sse.Event{event("", "message", "a")}},
		"no data is no event":              {"event: x\n\ndata: a\n\n", []sse.Event{event("", "message", "a")}},
		"an ID stays":                      {"id: 1\ndata: a\n\ndata: b\n\n", []sse.Event{event("1", "message", "a"), event("1", "message", "b")}},
		"an ID without an event counts":    {"id: 9\n\ndata: a\n\n", []sse.Event{event("9", "message", "a")}},
		"an empty ID takes it back":        {"id: 9\n\nid\ndata: a\n\n", []sse.Event{event("", "message", "a")}},
		"an ID with a NUL does not count":  {"id: 9\n\nid: a\x00b\ndata: a\n\n", []sse.Event{event("9", "message", "a")}},
		"the name does not stay":           {"event: x\ndata: a\n\ndata: b\n\n", []sse.Event{event("", "x", "a"), event("", "message", "b")}},
		"CR and CRLF end lines":            {"data: a\r\n\r\ndata: b\r\rid: 1\rdata: c\n\n", []sse.Event{event("", "message", "a"), event("", "message", "b"), event("1", "message", "c")}},
		"a byte order mark at the start":   {"\ufeffdata: a\n\n", []sse.Event{event("", "message", "a")}},
		"what is cut off is no event":      {"data: a\n\ndata: b\n", []sse.Event{event("", "message", "a")}},
		"what is cut off in a line either": {"data: a\n\ndata: b", []sse.Event{event("", "message", "a")}},
		"empty data is an event":           {"data\n\n", []sse.Event{event("", "message", "")}},
		"an empty stream":                  {"", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, events(t, strings.NewReader(test.stream)))
			assert.Equal(t, test.want, events(t, iotest.OneByteReader(strings.NewReader(test.stream))), "byte by byte")
		})
	}
}

func TestTheStreamSaysHowLongToWait(t *testing.T) {
	for stream, want := range map[string]time.Duration{
		"":                                2 * time.Second,
		"retry: 750\n\n":                  750 * time.Millisecond,
		"retry: soon\n\n":                 2 * time.Second,
		"retry: 999999999999999999999\n":  2 * time.Second,
		"retry: -1\n\n":                   2 * time.Second,
		"retry: 10\nretry: 20\ndata: a\n": 20 * time.Millisecond,
	} {
		r := sse.NewReader(strings.NewReader(stream))
		_, err := r.Next()
		require.ErrorIs(t, err, io.EOF)
		assert.Equal(t, want, r.Retry(), "%q", stream)
	}
}

func TestTheIDToResumeAfterIsKnownWithoutAnEvent(t *testing.T) {
	r := sse.NewReader(strings.NewReader("id: run.1\ndata: a\n\nid: run.7\n\n"))
	e, err := r.Next()
	require.NoError(t, err)
	assert.Equal(t, "run.1", e.ID)
	_, err = r.Next()
	require.ErrorIs(t, err, io.EOF)
	assert.Equal(t, "run.7", r.LastEventID())
}

func TestAnEndlessEventIsAnError(t *testing.T) {
	for name, stream := range map[string]io.Reader{
		"in one line":   io.MultiReader(strings.NewReader("data: "), endless(strings.Repeat("x", 4096))),
		"in many lines": endless("data: " + strings.Repeat("x", 1000) + "\n"),
	} {
		_, err := sse.NewShortReader(stream, 64<<10).Next()
		assert.ErrorIs(t, err, sse.ErrTooLong, name)
	}
}

type endless string

func (e endless) Read(p []byte) (int, error) {
	n := 0
	for n+len(e) <= len(p) {
		n += copy(p[n:], e)
	}
	if n == 0 {
		n = copy(p, e) // may cut a line, which is as endless
	}
	return n, nil
}

func TestABrokenConnectionIsAnError(t *testing.T) {
	broken := errors.New("connection reset")
	_, err := sse.NewReader(io.MultiReader(strings.NewReader("data: a\n"), iotest.ErrReader(broken))).Next()
	assert.ErrorIs(t, err, broken)
}

// serve answers requests with a stream, as handler writes it.
func serve(t *testing.T, handler func(*sse.Stream)) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stream, err := sse.Open(w, r)
		if assert.NoError(t, err) {
			handler(stream)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

func TestWhatIsSentIsRead(t *testing.T) {
	server := serve(t, func(s *sse.Stream) {
		assert.NoError(t, s.Send("run.1", "record", []byte(`{"name":"page_view"}`)))
		assert.NoError(t, s.Comment())
		assert.NoError(t, s.Send("", "", []byte("a\r\nb\rc\n\nd")))
		assert.NoError(t, s.Mark("run.5"))
		assert.NoError(t, s.Send("", "gap", nil))
	})
	response, err := http.Get(server.URL)
	require.NoError(t, err)
	defer func() { assert.NoError(t, response.Body.Close()) }()
	assert.Equal(t, "text/event-stream; charset=utf-8", response.Header.Get("Content-Type"))
	assert.Equal(t, "no-store", response.Header.Get("Cache-Control"))
	assert.Equal(t, []sse.Event{
		event("run.1", "record", `{"name":"page_view"}`),
		event("run.1", "message", "a\nb\nc\n\nd"),
		event("run.5", "gap", ""),
	}, events(t, response.Body))
}

func TestDataStaysTheCallers(t *testing.T) {
	data := append(make([]byte, 0, 16), "abc"...)
	server := serve(t, func(s *sse.Stream) { assert.NoError(t, s.Send("", "", data)) })
	response, err := http.Get(server.URL)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	server.Close()
	assert.Equal(t, "abc\x00", string(data[:4]))
}

func TestNamesThatWouldForgeEventsAreRefused(t *testing.T) {
	server := serve(t, func(s *sse.Stream) {
		assert.Error(t, s.Send("1\ndata: forged", "", nil))
		assert.Error(t, s.Send("1\x00", "", nil))
		assert.Error(t, s.Send("", "x\rdata: forged", nil))
		assert.Error(t, s.Mark("1\ndata: forged\n"))
	})
	response, err := http.Get(server.URL)
	require.NoError(t, err)
	assert.Empty(t, events(t, response.Body))
	require.NoError(t, response.Body.Close())
}

func TestAnEventArrivesBeforeTheNextIsSent(t *testing.T) {
	next := make(chan struct{})
	server := serve(t, func(s *sse.Stream) {
		for _, data := range []string{"a", "b", "c"} {
			assert.NoError(t, s.Send("", "", []byte(data)))
			<-next
		}
	})
	response, err := http.Get(server.URL)
	require.NoError(t, err)
	r := sse.NewReader(response.Body)
	for _, want := range []string{"a", "b", "c"} {
		e, err := r.Next()
		require.NoError(t, err)
		assert.Equal(t, want, string(e.Data))
		next <- struct{}{}
	}
	require.NoError(t, response.Body.Close())
}

func TestTheConnectionServesOtherRequestsAfterAStream(t *testing.T) {
	server := serve(t, func(s *sse.Stream) { assert.NoError(t, s.Send("1", "", []byte("a"))) })
	reused := false
	trace := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		GotConn: func(c httptrace.GotConnInfo) { reused = c.Reused },
	})
	for range 2 {
		request, err := http.NewRequestWithContext(trace, http.MethodGet, server.URL, nil)
		require.NoError(t, err)
		response, err := server.Client().Do(request)
		require.NoError(t, err)
		assert.Len(t, events(t, response.Body), 1)
		require.NoError(t, response.Body.Close())
	}
	assert.True(t, reused)
}

func TestAWriterThatCannotStreamIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	w := httptest.NewRecorder()
	_, err := sse.Open(w, httptest.NewRequest(http.MethodGet, "/live", nil))
	assert.ErrorIs(t, err, http.ErrNotSupported)
	assert.Empty(t, w.Body.String())
	assert.Empty(t, w.Header())
}

func FuzzReader(f *testing.F) {
	f.Add("id: 7\nevent: record\ndata: a\ndata: b\n\n: x\r\n\rdata\r\n\r\n")
	f.Add("\ufeffdata: a\r\rretry: 5\nid\n\n")
	f.Fuzz(func(t *testing.T, stream string) {
		whole := events(t, strings.NewReader(stream))
		assert.Equal(t, whole, events(t, iotest.OneByteReader(strings.NewReader(stream))))
		for _, e := range whole {
			assert.NotEmpty(t, e.Name)
			assert.NotContains(t, string(e.Data), "\r")
		}
	})
}
