package loopkit

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// unsent returns a queue without a dispatcher: nothing leaves it.
func unsent(tb testing.TB, opts Options) *queue {
	opts.HTTPClient = &http.Client{}
	s, err := resolve("lk_test", &opts)
	require.NoError(tb, err)
	return newQueue(s)
}

// parcels are events of as many people, of a usual size.
func parcels(q *queue, n int) []parcel {
	all := make([]parcel, n)
	for i := range all {
		body := fmt.Appendf(nil, `{"messageId":"%s","name":"page_view","anonymousId":"%s",`+
			`"properties":{"page":"/pricing","referrer":"https://example.com/","width":1280,"dark":true,"ratio":1.5,"plan":"enterprise"},`+
			`"timestamp":"2026-11-24T10:00:00.000Z","system":{"sdk":{"name":"loopkit-go","version":"0.1.0"}}}`, newMessageID(time.Now()), NewAnonymousID())
		all[i] = parcel{kind: KindTrack, body: &body, at: q.settings.now(), keys: keys{anonymous: q.hash(fmt.Sprint(i))}}
	}
	return all
}

func fill(tb testing.TB, q *queue, all []parcel) {
	for i := range all {
		if err := q.accept(context.Background(), all[i], nil); err != nil {
			tb.Fatal(err)
		}
	}
}

// deliver settles all sealed batches, as successful attempts do.
func deliver(q *queue, lane *lane) {
	for batch := q.take(lane); batch != nil; batch = q.take(lane) {
		q.counts.delivered += int64(batch.len())
		q.settle(lane.place(), batch, batch.len())
		q.release(batch.block)
	}
}

// BenchmarkTrack is a whole call by one or more goroutines, while nothing is sent.
func BenchmarkTrack(b *testing.B) {
	for _, goroutines := range []int{1, 64} {
		b.Run(fmt.Sprint(goroutines), func(b *testing.B) { benchmarkTrack(b, goroutines) })
	}
}

func benchmarkTrack(b *testing.B, goroutines int) {
	q := unsent(b, Options{})
	c := &Client{settings: q.settings, queue: q, privacy: q.settings.privacy}
	c.scratch.New = newScratch
	tracks := &q.lanes[laneTrack]
	ctx := WithIdentity(context.Background(), Identity{AnonymousID: "anon_6f49213a-7c1e-4c51-bdc7-91c2353e56f1", UserID: "user_123"})
	properties := Properties{"page": "/pricing", "referrer": "https://example.com/", "width": 1280, "dark": true, "ratio": 1.5, "plan": "enterprise"}
	b.SetParallelism(max(1, goroutines/runtime.GOMAXPROCS(0)))
	b.ReportAllocs()
	var calls atomic.Int64
	call := func(more func() bool) {
		for more() {
			if err := c.Track(ctx, "page_view", properties); err != nil {
				b.Error(err)
				return
			}
			if calls.Add(1)%1000 == 0 {
				q.mu.Lock()
				deliver(q, tracks)
				q.mu.Unlock()
			}
		}
	}
	if goroutines == 1 {
		call(b.Loop)
		return
	}
	b.RunParallel(func(pb *testing.PB) { call(pb.Next) })
}

// BenchmarkEnqueue is what a ready-made message costs the queue, the growing and
// sealing of its batch and the return of the memory included.
func BenchmarkEnqueue(b *testing.B) {
	q := unsent(b, Options{})
	all := parcels(q, 1000)
	tracks := &q.lanes[laneTrack]
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if err := q.accept(context.Background(), all[i], nil); err != nil {
			b.Fatal(err)
		}
		if i++; i == len(all) {
			i = 0
			deliver(q, tracks)
		}
	}
}

// BenchmarkSeal seals batches that are far from full, as an interval does.
func BenchmarkSeal(b *testing.B) {
	q := unsent(b, Options{})
	all := parcels(q, 20)
	tracks := &q.lanes[laneTrack]
	b.ReportAllocs()
	for b.Loop() {
		fill(b, q, all)
		q.seal(tracks, &tracks.line)
		deliver(q, tracks)
	}
}

// BenchmarkSplit halves a batch of 1,000 until its messages are alone.
func BenchmarkSplit(b *testing.B) {
	q := unsent(b, Options{})
	all := parcels(q, 1000)
	tracks := &q.lanes[laneTrack]
	b.ReportAllocs()
	for b.Loop() {
		fill(b, q, all)
		for batch := q.take(tracks); batch != nil; batch = q.take(tracks) {
			if batch.len() > 1 {
				q.split(tracks, batch, nil)
				continue
			}
			q.settle(tracks.place(), batch, 1)
			q.release(batch.block)
		}
	}
}

// BenchmarkPurge removes one person of 50,000 from a queue.
func BenchmarkPurge(b *testing.B) {
	q := unsent(b, Options{})
	all := parcels(q, 50_000)
	fill(b, q, all)
	gone := all[len(all)/2]
	b.ReportAllocs()
	for b.Loop() {
		q.purge(gone.keys, ReasonDeleted)
		fill(b, q, []parcel{gone})
	}
	require.Equal(b, int64(len(all)), q.stats().Pending)
}

// BenchmarkCompress packs the body of a full batch.
func BenchmarkCompress(b *testing.B) {
	q := unsent(b, Options{Compression: Gzip})
	fill(b, q, parcels(q, 1000))
	lane := &q.lanes[laneTrack]
	request := q.requestFor(lane, lane.sealed.head)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := q.transport.compress(request.open()); err != nil {
			b.Fatal(err)
		}
	}
}
