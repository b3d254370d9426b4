package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
)

func nothingSet(string) string { return "" }

func TestTheProgramServesUntilItIsToldToEnd(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, []string{"-addr", "127.0.0.1:0"}, nothingSet, writer)
		ended <- err
		_ = writer.Close() // never fails
	}()
	lines := bufio.NewScanner(reader)
	require.True(t, lines.Scan())
	address, found := strings.CutPrefix(lines.Text(), "Open ")
	require.True(t, found, lines.Text())

	stream, err := http.Get(address + "/loopkit/stream") // it must not keep the server from ending
	require.NoError(t, err)
	for range 3 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/pricing", nil)
		require.NoError(t, err)
		r.Header.Set("Cookie", "loopkit_consent=full")
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, http.StatusOK, answer.StatusCode)
	}
	end()
	require.True(t, lines.Scan())
	assert.Equal(t, "accepted 3, delivered 3, dropped 0", lines.Text())
	require.NoError(t, <-ended)
	_, err = io.Copy(io.Discard, stream.Body)
	assert.NoError(t, err)
	require.NoError(t, stream.Body.Close())
	_, err = net.Dial("tcp", strings.TrimPrefix(address, "http://"))
	assert.Error(t, err, "the port is free again")
}

func TestAnAddressInUseIsExplained(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	err = run(t.Context(), []string{"-addr", taken.Addr().String()}, nothingSet, io.Discard)
	assert.ErrorContains(t, err, "-addr 127.0.0.1:0")
	require.NoError(t, taken.Close())
}

func TestAWrongBaseURLIsExplained(t *testing.T) {
	err := run(t.Context(), []string{"-addr", "127.0.0.1:0"}, func(name string) string {
		return map[string]string{"LOOPKIT_API_KEY": "lk_real", "LOOPKIT_BASE_URL": "localhost"}[name]
	}, io.Discard)
	var wrong *loopkit.ArgumentError
	require.ErrorAs(t, err, &wrong)
	assert.Equal(t, "BaseURL", wrong.Field)
}

func TestTheAddressIsOneThatABrowserOpens(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:8080": "http://127.0.0.1:8080",
		"[::]:8080":      "http://127.0.0.1:8080",
		"0.0.0.0:80":     "http://127.0.0.1:80",
		"[::1]:8080":     "http://[::1]:8080",
	} {
		addr, err := net.ResolveTCPAddr("tcp", address)
		require.NoError(t, err)
		assert.Equal(t, want, browsable(addr))
	}
}
