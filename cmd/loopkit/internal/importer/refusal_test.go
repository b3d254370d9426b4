package importer_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/importer"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// refuse makes the server refuse bodies that have a text as data.
func refuse(server *loopkittest.Server, status int, text string) {
	server.FailAll(loopkittest.Any, loopkittest.Fault{Status: status, Body: `{"success":false,"message":"bad record"}`, If: func(body []byte) bool {
		return strings.Contains(string(body), text)
	}})
}

func TestRecordsThatTheServerRefusesAreSetAsideWithItsReason(t *testing.T) {
	for _, status := range []int{http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge} {
		server := loopkittest.NewServer(t)
		refuse(server, status, "poison")
		lines := tracks(100)
		for _, i := range []int{7, 30, 31} {
			lines[i] = strings.Replace(lines[i], "feature_used", "poison", 1)
		}
		lines[31] = lines[30] // the same message ID twice is the file's own
		lines[30] = strings.Replace(lines[30], "{", `{"messageId":"same",`, 1)
		lines[31] = strings.Replace(lines[31], "{", `{"messageId":"same",`, 1)
		path := write(t, lines...)
		result := mustImport(t, path, to(server))
		assert.EqualValues(t, 97, result.Sent)
		assert.EqualValues(t, 3, result.Rejected)
		all := rejected(t, path)
		require.Len(t, all, 3)
		for i, line := range []int64{8, 31, 32} {
			assert.Equal(t, line, all[i].Line)
			assert.Equal(t, fmt.Sprintf("LoopKit answered %d %s: bad record", status, http.StatusText(status)), all[i].Reason)
			assert.JSONEq(t, lines[line-1], string(all[i].Record))
		}
		assert.Len(t, server.Messages(), 97)
	}
}

func TestAServerThatRefusesEveryRecordStopsTheImport(t *testing.T) {
	server := loopkittest.NewServer(t)
	refuse(server, http.StatusBadRequest, "")
	path := write(t, tracks(300)...)
	_, err := runImport(t, path, to(server))
	assert.ErrorContains(t, err, "20 messages in a row were refused")
	assert.Zero(t, checkpointOf(t, path).ByteOffset)
	assert.NoFileExists(t, path+".rejected.ndjson")
}

func TestALongRunOfRefusedRecordsIsPassed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := loopkittest.NewTransport(t)
		refuse(server, http.StatusBadRequest, "poison")
		lines := tracks(200)
		for i := 60; i < 100; i++ {
			lines[i] = strings.Replace(track("user_1", i), "feature_used", "poison", 1)
		}
		path := write(t, lines...)
		opts := to(server)
		importer.Window(&opts, 50)
		result := mustImport(t, path, opts)
		assert.EqualValues(t, 160, result.Sent)
		assert.EqualValues(t, 40, result.Rejected)
		assert.Len(t, rejected(t, path), 40)
	})
}

func TestAnOutageIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := loopkittest.NewTransport(t)
		server.FailAll(loopkittest.Any, loopkittest.Fault{Status: http.StatusServiceUnavailable})
		path := write(t, tracks(100)...)
		opts := to(server)
		opts.Patience = time.Minute
		var waiting error
		opts.Report = func(p importer.Progress) {
			if p.Waiting != nil {
				waiting = p.Waiting
			}
		}
		timer := time.AfterFunc(40*time.Second, server.Heal)
		defer timer.Stop()
		assert.EqualValues(t, 100, mustImport(t, path, opts).Sent)
		assert.ErrorContains(t, waiting, "503 Service Unavailable")
	})
}

func TestAnImportThatDeliversNothingStopsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := loopkittest.NewTransport(t)
		path := write(t, tracks(100)...)
		opts := to(server)
		importer.Window(&opts, 50)
		opts.Patience = time.Minute
		server.FailAll(loopkittest.Any, loopkittest.Fault{Hang: true, If: func(body []byte) bool {
			return strings.Contains(string(body), `"n":60`)
		}})
		began := time.Now()
		_, err := runImport(t, path, opts)
		var stop *importer.StoppedError
		require.ErrorAs(t, err, &stop)
		assert.ErrorContains(t, err, "nothing was delivered for 1m0s: loopkit: tracks: ")
		assert.InDelta(t, 60, time.Since(began).Seconds(), 5)
		assert.EqualValues(t, 50, checkpointOf(t, path).Line)

		server.Heal()
		opts.Resume = true
		assert.EqualValues(t, 100, mustImport(t, path, opts).Sent)
	})
}

func TestAnInterruptedImportFinishesWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := loopkittest.NewTransport(t)
		server.FailAll(loopkittest.Any, loopkittest.Fault{Delay: 3 * time.Second, Store: true, Status: http.StatusOK, Body: `{"success":true}`})
		path := write(t, tracks(200)...)
		opts := to(server)
		importer.Window(&opts, 50)
		im, err := importer.New(opts)
		require.NoError(t, err)
		defer im.Close()
		ctx, interrupt := context.WithCancel(t.Context())
		timer := time.AfterFunc(4*time.Second, interrupt) // in the second window
		defer timer.Stop()
		result, err := im.Import(ctx, path)
		assert.ErrorIs(t, err, importer.ErrInterrupted)
		assert.EqualValues(t, 100, result.Sent)
		assert.Len(t, server.Messages(), 100)
		assert.EqualValues(t, 100, checkpointOf(t, path).Line)
		assert.NotContains(t, err.Error(), "may have arrived")
	})
}

func TestAnInterruptedImportDoesNotWaitForAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := loopkittest.NewTransport(t)
		server.FailAll(loopkittest.Any, loopkittest.Fault{Status: http.StatusServiceUnavailable})
		path := write(t, tracks(20)...)
		opts := to(server)
		opts.Patience = time.Hour
		im, err := importer.New(opts)
		require.NoError(t, err)
		defer im.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err = im.Import(ctx, path)
		assert.ErrorIs(t, err, importer.ErrInterrupted)
		assert.ErrorContains(t, err, "some of lines 1 to 20 may have arrived")
		assert.Less(t, time.Since(began), 15*time.Second)
	})
}

func TestAnInterruptedImportThatDeliversNothingIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := loopkittest.NewTransport(t)
		server.FailAll(loopkittest.Any, loopkittest.Fault{Hang: true})
		path := write(t, tracks(20)...)
		opts := to(server)
		opts.Patience = 4 * time.Second
		im, err := importer.New(opts)
		require.NoError(t, err)
		defer im.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = im.Import(ctx, path)
		assert.ErrorIs(t, err, importer.ErrInterrupted)
	})
}

func TestTheRateIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := loopkittest.NewTransport(t)
		path := write(t, tracks(100)...)
		opts := to(server)
		opts.Rate = 20
		began := time.Now()
		mustImport(t, path, opts)
		assert.InDelta(t, 4, time.Since(began).Seconds(), 0.5, "the first 20 need not wait")
		perSecond := map[int]int{}
		for _, r := range server.Requests() {
			perSecond[int(r.Time.Sub(began).Seconds())] += r.Messages
		}
		assert.Equal(t, map[int]int{0: 20, 1: 20, 2: 20, 3: 20, 4: 20}, perSecond)
	})
}
