package main

import (
	"net"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A full backlog is as good as a firewall that drops everything: not even the
// connection comes about. It is filled on Linux only, because other systems refuse
// what is too much.
func TestARunEndsInTimeWhereNoConnectionComesAbout(t *testing.T) {
	testExit(t, "http://"+full(t)+"/v1")
}

// full is an address whose backlog is full.
func full(t testing.TB) string {
	t.Helper()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, syscall.Close(socket)) })
	require.NoError(t, syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	require.NoError(t, syscall.Listen(socket, 0))
	name, err := syscall.Getsockname(socket)
	require.NoError(t, err)
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(name.(*syscall.SockaddrInet4).Port))
	for range 16 {
		taken, err := net.DialTimeout("tcp", address, 100*time.Millisecond)
		if err != nil {
			var dial net.Error
			require.ErrorAs(t, err, &dial)
			require.True(t, dial.Timeout(), "%v", err)
			return address
		}
		t.Cleanup(func() { assert.NoError(t, taken.Close()) })
	}
	require.Fail(t, "the backlog takes everything")
	return ""
}
