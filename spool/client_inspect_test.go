package spool_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/spool"
)

// What waits in a directory that no client uses now.
func ExampleSpool_Next() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	leaveSomething(dir)

	kept, err := spool.Open(dir, nil)
	if err != nil {
		fmt.Println(err) // spool.ErrLocked while a client runs
		return
	}
	for kind := loopkit.KindIdentify; kind <= loopkit.KindDeleteGroup; kind++ {
		for after := uint64(0); ; {
			batch, err := kept.Next(kind, after)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				fmt.Println(err)
				return
			}
			after = batch.ID
			for _, message := range batch.Messages {
				fmt.Println(batch.Accepted.UTC().Format(time.DateTime), kind, string(message))
			}
		}
	}
	fmt.Println(kept.Close())
	// Output:
	// 2026-01-15 10:30:00 track {"name":"page_view"}
	// 2026-01-15 10:30:00 track {"name":"user_signup"}
	// <nil>
}

// leaveSomething does what a client would that was killed.
func leaveSomething(dir string) {
	kept, err := spool.Open(dir, nil)
	if err != nil {
		panic(err)
	}
	err = kept.Append([]loopkit.SpoolBatch{{
		ID: 1, Kind: loopkit.KindTrack, Accepted: time.Date(2026, 1, 15, 10, 30, 0, 0, time.UTC),
		Messages: [][]byte{[]byte(`{"name":"page_view"}`), []byte(`{"name":"user_signup"}`)},
	}})
	if err := errors.Join(err, kept.Close()); err != nil {
		panic(err)
	}
}
