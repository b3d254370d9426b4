package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

// localKey opens the local server and nothing else.
const localKey = "lk_local_journey"

// sendToLocalServer runs the journey against a strict LoopKit-like server in
// this process, over real HTTP, and prints what the server made of it.
func sendToLocalServer(ctx context.Context, p *printer) (err error) {
	server := collector.New(collector.Options{Strict: true, Keys: []string{localKey}})
	baseURL, stop, err := listen(server)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()

	p.printf("The user journey of LoopKit's documentation, sent to a local server that refuses\n")
	p.printf("forms which no source shows. LOOPKIT_API_KEY=... sends it to LoopKit instead.\n")
	stats, err := travel(ctx, localKey, baseURL, nil)
	p.section("Requests, as they arrived at " + baseURL)
	p.requests(server.Requests(), server.Messages())
	for _, person := range server.People() {
		p.section("The person that came out of it")
		p.person(person)
	}
	for _, group := range server.Groups() {
		p.section("The group")
		p.group(group)
	}
	p.section("The client's accounting")
	p.stats(stats)
	return err
}

// listen serves h on a free port of the loopback interface until stop.
func listen(h http.Handler) (baseURL string, stop func() error, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	stop = func() error {
		err := server.Close()
		if e := <-served; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
		return err
	}
	return fmt.Sprintf("http://%s/v1", listener.Addr()), stop, nil
}
