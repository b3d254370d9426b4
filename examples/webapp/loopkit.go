package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// localKey opens the local server and nothing else.
const localKey = "lk_local_webapp"

// maxStored bounds what the local server remembers, in messages and in requests.
// A demo that runs for weeks starts anew then.
const maxStored = 2000

// destination is where the client sends: LoopKit, or a server in this process.
type destination struct {
	key     string
	baseURL string
	local   *localLoopKit // nil if it is LoopKit
}

// openDestination is LoopKit if there is a key, else a server of its own.
func openDestination(getenv func(string) string) (*destination, error) {
	if key := getenv("LOOPKIT_API_KEY"); key != "" {
		return &destination{key: key, baseURL: cmp.Or(getenv("LOOPKIT_BASE_URL"), loopkit.DefaultURL)}, nil
	}
	local, err := startLocalLoopKit()
	if err != nil {
		return nil, err
	}
	return &destination{key: localKey, baseURL: local.baseURL, local: local}, nil
}

func (d *destination) close() error {
	if d.local == nil {
		return nil
	}
	return d.local.close()
}

// newClient makes the one client of the program. Its logger says once what is
// wrong or needs a thought.
func newClient(d *destination, logger *slog.Logger) (*loopkit.Client, error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return loopkit.New(d.key, &loopkit.Options{
		BaseURL:       d.baseURL,
		FlushInterval: 200 * time.Millisecond, // so that the panel is live; leave it out in production
		Context:       loopkit.Properties{"app": "lantern", "version": "1.0.0"},
		// A visitor who agrees to be known "without personal data" has an
		// email_hash. Keep your key: with another, the same address has another hash.
		PII:    loopkit.PIIPolicy{Key: key},
		Logger: logger,
		OnError: func(_ context.Context, err error) {
			logger.Error("LoopKit needs your attention", "error", err)
		},
	})
}

// localLoopKit is a LoopKit-like server on the loopback interface.
type localLoopKit struct {
	*collector.Collector
	baseURL string
	server  *http.Server
	served  chan error

	answered atomic.Int64 // requests in all
	restarts atomic.Int64 // how often it forgot everything
	stored   int          // messages; used in OnRequest only, whose calls never overlap
}

func startLocalLoopKit() (*localLoopKit, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &localLoopKit{
		baseURL: fmt.Sprintf("http://%s/v1", listener.Addr()),
		served:  make(chan error, 1),
	}
	l.Collector = collector.New(collector.Options{Strict: true, Keys: []string{localKey}, OnRequest: l.noted})
	l.server = &http.Server{Handler: l.Collector, ReadHeaderTimeout: 5 * time.Second}
	go func() { l.served <- l.server.Serve(listener) }()
	return l, nil
}

func (l *localLoopKit) noted(r collector.Request) {
	l.stored += r.Messages
	if l.stored >= maxStored || r.Index+1 >= maxStored {
		l.Reset()
		l.stored = 0
		l.restarts.Add(1)
	}
	l.answered.Add(1)
}

func (l *localLoopKit) close() error {
	err := l.server.Close()
	if e := <-l.served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}
