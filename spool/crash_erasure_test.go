package spool_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

const (
	erasureRounds     = 15
	erasureQuarantine = 50 * time.Millisecond // longer than a request of a killed program is executed here
)

// erasing writes about people whom it deletes again and again, until it is killed.
// The life of a person ends with a deletion. It prints which life is about to end,
// and what Flush has acknowledged: the messages of this life.
func (p *program) erasing() error {
	client, err := p.client(func(o *loopkit.Options) {
		o.DeletionQuarantine = erasureQuarantine
		o.Overflow = loopkit.Block
	})
	if err != nil {
		return err
	}
	fmt.Println("running")
	failed := make(chan error)
	for id := range crashWriters {
		go func() { failed <- p.erase(client, id) }()
	}
	return <-failed
}

func (p *program) erase(client *loopkit.Client, id int) error {
	random := rand.New(rand.NewPCG(p.Seed, uint64(p.Round*crashWriters+id)))
	user := fmt.Sprintf("user_%d_%d", p.Round, id)
	ctx := known(user)
	for life := 0; ; life++ {
		for n := 0; n < 40; {
			for range 1 + random.IntN(10) {
				number := map[string]any{"life": life, "n": n}
				err := client.Track(ctx, "page_view", number)
				if n%5 == 0 {
					err = client.Identify(ctx, user, number)
				}
				if err != nil {
					return err
				}
				n++
			}
			flush, cancel := background()
			err := client.Flush(flush)
			cancel()
			if err != nil {
				return err
			}
			fmt.Println("kept", user, life, n)
		}
		fmt.Println("deleting", user, life, 0)
		if _, err := client.DeleteUser(ctx, user); err != nil {
			return err
		}
	}
}

// person is what the programs have said about one.
type person struct {
	deleted int         // lives that are to end, perhaps
	kept    map[int]int // by life: messages that were acknowledged
}

func TestWhoIsDeletedStaysDeletedAcrossKills(t *testing.T) {
	seed := crashSeed(t)
	random := rand.New(rand.NewPCG(seed, 1))
	s, dir := loopkittest.NewServer(t), t.TempDir()
	people := map[string]*person{}
	for round := range erasureRounds {
		s.Heal()
		if random.IntN(3) == 0 {
			s.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 503})
		}
		if random.IntN(3) == 0 {
			s.Script(loopkittest.UserDeletions, loopkittest.Fault{Store: true, Reset: true}, loopkittest.Fault{Status: 503})
		}
		p := startProgram(t, program{Name: "erasing", Dir: dir, BaseURL: s.BaseURL(), Round: round, Seed: seed})
		p.expect("running")
		end := time.AfterFunc(time.Duration(random.Int64N(int64(4*longestLife))), p.killSoon)
		for _, line := range p.wait() {
			var what, user string
			var life, n int
			_, err := fmt.Sscan(line, &what, &user, &life, &n)
			require.NoError(t, err, line)
			if people[user] == nil {
				people[user] = &person{kept: map[int]int{}}
			}
			who := people[user]
			if what == "deleting" {
				who.deleted = life + 1
			} else {
				who.kept[life] = n
			}
		}
		end.Stop()
	}

	s.Heal()
	c := start(t, s, dir, func(o *loopkit.Options) { o.DeletionQuarantine = erasureQuarantine })
	drain(t, c)
	requireSettled(t, c)
	require.NoError(t, c.Close(t.Context()))
	requireEmpty(t, dir)

	arrived := map[string][]loopkittest.Message{}
	deletions := 0
	for _, m := range s.Messages() {
		arrived[m.UserID] = append(arrived[m.UserID], m)
		if m.Kind == loopkittest.KindDeleteUser {
			deletions++
		}
	}
	for user, who := range people {
		requireErased(t, user, who, arrived[user])
	}
	t.Logf("%d people, %d deletions", len(people), deletions)
	assert.Positive(t, deletions, "the test tests something")
}

// requireErased asserts that between two lives of a person there is a deletion, that
// nothing of a life follows its deletion, and that all that was acknowledged of the
// last one is there.
func requireErased(t *testing.T, user string, who *person, messages []loopkittest.Message) {
	life, ended := -1, false
	var there map[int]bool
	for _, m := range messages {
		if m.Kind == loopkittest.KindDeleteUser {
			ended = true
			continue
		}
		number, ok := m.Values["life"].(float64)
		require.True(t, ok, "%s", m.Raw)
		now := int(number)
		if now == life && !ended {
			there[int(m.Values["n"].(float64))] = true
			continue
		}
		require.Greater(t, now, life, "%s: a message of life %d arrived after its deletion", user, now)
		require.True(t, ended || now == 0, "%s: life %d began before life %d was deleted", user, now, life)
		life, ended, there = now, false, map[int]bool{int(m.Values["n"].(float64)): true}
	}
	if who.kept[who.deleted] > 0 { // else its life may have ended
		require.Equal(t, who.deleted, life, "%s: the last life is lost", user)
		require.False(t, ended, "%s: a deletion was repeated after what follows it", user)
		for n := range who.kept[life] {
			require.True(t, there[n], "%s: message %d of life %d was acknowledged and is lost", user, n, life)
		}
	} else if life >= 0 && life < who.deleted-1 { // the next one began, and was acknowledged
		require.True(t, ended, "%s: the deletion of life %d is lost", user, life)
	}
}
