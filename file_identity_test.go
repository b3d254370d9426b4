package loopkit_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// run is one run of a program that keeps its identity in store: it returns the
// client's anonymous ID before and after use, and what OnError was told.
func run(t *testing.T, store loopkit.IdentityStore, use func(*loopkit.Client)) (before, after string, told []error) {
	t.Helper()
	c := newClient(t, loopkittest.NewTransport(t), func(o *loopkit.Options) {
		o.IdentityStore = store
		o.OnError = func(_ context.Context, err error) { told = append(told, err) }
	})
	before = c.AnonymousID()
	use(c)
	require.NoError(t, c.Track(visitor("anon_1"), "e", nil), "the client works in any case")
	require.NoError(t, c.Close(t.Context()))
	return before, c.AnonymousID(), told
}

func nothing(*loopkit.Client) {}
func reset(c *loopkit.Client) { c.Session().Reset() }

func identifies(t *testing.T, users ...string) func(*loopkit.Client) {
	return func(c *loopkit.Client) {
		for _, user := range users {
			assert.NoError(t, c.Session().Identify(t.Context(), user, nil))
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

func TestAllRunsOfAProgramAreOnePerson(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config", "shop", "anonymous_id")
	first, _, told := run(t, loopkit.FileIdentity(path), nothing)
	assert.Empty(t, told)
	second, _, _ := run(t, loopkit.FileIdentity(path), nothing)
	assert.Equal(t, first, second)
	assert.Equal(t, first, strings.TrimSpace(read(t, path)))
}

func TestTheIdentityFileIsReadableByItsOwnerAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // which has no such permissions
	}
	dir := filepath.Join(t.TempDir(), "config", "shop")
	path := filepath.Join(dir, "anonymous_id")
	for name, use := range map[string]func(*loopkit.Client){"created": nothing, "replaced": reset} {
		run(t, loopkit.FileIdentity(path), use)
		file, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), file.Mode().Perm(), name)
	}
	for _, made := range []string{dir, filepath.Dir(dir)} {
		info, err := os.Stat(made)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	}
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, files, 1, "nothing else is left behind")
}

func TestOfProcessesThatStartAtOnceTheFirstCreatorWins(t *testing.T) {
	for range 20 {
		path := filepath.Join(t.TempDir(), "new", "anonymous_id")
		kept := make([]string, 32)
		var start, done sync.WaitGroup
		start.Add(1)
		for i := range kept {
			done.Go(func() {
				start.Wait()
				id, err := loopkit.FileIdentity(path).LoadOrSave(loopkit.StoredIdentity{AnonymousID: loopkit.NewAnonymousID()})
				assert.NoError(t, err)
				kept[i] = id.AnonymousID
			})
		}
		start.Done()
		done.Wait()
		for _, id := range kept {
			require.Equal(t, strings.TrimSpace(read(t, path)), id)
		}
		files, err := os.ReadDir(filepath.Dir(path))
		require.NoError(t, err)
		require.Len(t, files, 1)
	}
}

func TestAFileWrittenByHandIsTaken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "anonymous_id")
	require.NoError(t, os.WriteFile(path, []byte("  my-own-id \r\n"), 0o600))
	id, _, told := run(t, loopkit.FileIdentity(path), nothing)
	assert.Equal(t, "my-own-id", id)
	assert.Empty(t, told)
}

func TestAFileThatHoldsNoIDIsReportedAndStaysAsItIs(t *testing.T) {
	for name, content := range map[string]string{
		"empty": "", "white space": " \n", "two IDs that are none": "anon_1\nnull\n", "three lines": "anon_1\nanon_2\nanon_3\n", "placeholder": "undefined\n", "long": strings.Repeat("x", 300), "binary": "\xff\xfe\x00",
	} {
		for after, use := range map[string]func(*loopkit.Client){"start": nothing, "Reset": reset} {
			t.Run(name+" after "+after, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "anonymous_id")
				require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
				id, _, told := run(t, loopkit.FileIdentity(path), use)
				assert.Regexp(t, "^anon_", id, "the ID lives in memory")
				require.NotEmpty(t, told)
				assert.ErrorContains(t, told[0], path)
				assert.ErrorContains(t, told[0], "remove it")
				assert.Equal(t, content, read(t, path))
			})
		}
	}
}

func TestAPlaceThatCannotBeWrittenIsReportedAndTheIDLivesInMemory(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for name, path := range map[string]string{
		"below a file": filepath.Join(file, "anonymous_id"), "far below a file": filepath.Join(file, "a", "b"),
		"a directory": dir, "no name": "", "NUL": filepath.Join(dir, "a\x00b"), "long name": filepath.Join(dir, strings.Repeat("x", 300)),
	} {
		t.Run(name, func(t *testing.T) {
			before, after, told := run(t, loopkit.FileIdentity(path), reset)
			assert.Regexp(t, "^anon_", before)
			assert.Regexp(t, "^anon_", after)
			assert.NotEqual(t, before, after)
			assert.Len(t, told, 2, "at the start and at Reset")
		})
	}
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, files, 1, "no drafts are left behind")
}

func TestTheFileFollowsTheClientsOwnSession(t *testing.T) {
	path := filepath.Join(t.TempDir(), "anonymous_id")
	first := func() string {
		line, _, _ := strings.Cut(read(t, path), "\n")
		return line
	}
	before, after, told := run(t, loopkit.FileIdentity(path), reset)
	assert.NotEqual(t, before, after)
	assert.Equal(t, after, first())
	assert.Empty(t, told)

	next, same, _ := run(t, loopkit.FileIdentity(path), identifies(t, "alice"))
	assert.Equal(t, after, next)
	assert.Equal(t, after, same, "an identify keeps the anonymous ID")
	assert.Equal(t, after, first())
	assert.NotContains(t, read(t, path), "alice")

	_, last, _ := run(t, loopkit.FileIdentity(path), identifies(t, "alice", "bob"))
	assert.NotEqual(t, after, last)
	assert.Equal(t, last, first(), "that of a second user does not")

	_, _, _ = run(t, loopkit.FileIdentity(path), func(c *loopkit.Client) { c.NewSession(loopkit.Identity{}).Reset() })
	assert.Equal(t, last, first(), "other sessions are not kept")
}

func TestASecondUserOfALaterRunGetsANewAnonymousID(t *testing.T) {
	path := filepath.Join(t.TempDir(), "anonymous_id")
	alices, _, _ := run(t, loopkit.FileIdentity(path), identifies(t, "alice"))
	_, still, _ := run(t, loopkit.FileIdentity(path), identifies(t, "alice"))
	assert.Equal(t, alices, still, "she is the same person in all runs")
	loaded, bobs, _ := run(t, loopkit.FileIdentity(path), identifies(t, "bob"))
	assert.Equal(t, alices, loaded)
	assert.NotEqual(t, alices, bobs)
	_, reset, _ := run(t, loopkit.FileIdentity(path), reset)
	_, carols, _ := run(t, loopkit.FileIdentity(path), identifies(t, "carol"))
	assert.Equal(t, reset, carols, "nobody else's after a Reset")
}

func TestResetsAtOnceKeepTheNewestID(t *testing.T) {
	path := filepath.Join(t.TempDir(), "anonymous_id")
	_, after, told := run(t, loopkit.FileIdentity(path), func(c *loopkit.Client) {
		var done sync.WaitGroup
		for range 16 {
			done.Go(c.Session().Reset)
		}
		done.Wait()
	})
	assert.Equal(t, after, strings.TrimSpace(read(t, path)))
	assert.Empty(t, told)
}

func TestASlowStoreDoesNotDelayTheCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var saved string
		c := newClient(t, loopkittest.NewTransport(t), func(o *loopkit.Options) {
			o.IdentityStore = ownStore{
				load: func(candidate string) (string, error) { return candidate, nil },
				save: func(id string) error { time.Sleep(time.Second); saved = id; return nil },
			}
		})
		start := time.Now()
		c.Session().Reset()
		require.NoError(t, c.Session().Identify(t.Context(), "alice", nil))
		require.NoError(t, c.Session().Identify(t.Context(), "bob", nil))
		assert.Zero(t, time.Since(start))
		require.NoError(t, c.Close(t.Context()))
		assert.Equal(t, c.AnonymousID(), saved, "the newest is kept by the time that Close returns")
	})
}

// ownStore is an IdentityStore of a program's.
type ownStore struct {
	load func(candidate string) (string, error)
	save func(string) error
}

func (s ownStore) LoadOrSave(candidate loopkit.StoredIdentity) (loopkit.StoredIdentity, error) {
	id, err := s.load(candidate.AnonymousID)
	return loopkit.StoredIdentity{AnonymousID: id}, err
}

func (s ownStore) Save(id loopkit.StoredIdentity) error { return s.save(id.AnonymousID) }

// brokenError is an error that cannot even say what it is.
type brokenError struct{}

func (*brokenError) Error() string { panic("Error()") }

func TestAStoreThatMisbehavesIsReportedAndTheIDLivesInMemory(t *testing.T) {
	fails, panics, fine := errors.New("disk on fire"), func(string) error { panic("secret") }, func(string) error { return nil }
	for name, store := range map[string]ownStore{
		"error":         {load: func(string) (string, error) { return "", fails }, save: func(string) error { return fails }},
		"error with ID": {load: func(string) (string, error) { return "anon_lost", fails }, save: func(string) error { return fails }},
		"panic":         {load: func(string) (string, error) { panic("secret") }, save: panics},
		"panic(nil)":    {load: func(string) (string, error) { panic(nil) }, save: func(string) error { panic(nil) }},
		"empty":         {load: func(string) (string, error) { return "", nil }, save: func(string) error { return fails }},
		"placeholder":   {load: func(string) (string, error) { return "null", nil }, save: func(string) error { return fails }},
		"broken error":  {load: func(string) (string, error) { return "", &brokenError{} }, save: func(string) error { return &brokenError{} }},
		"nil error":     {load: func(string) (string, error) { return "", (*brokenError)(nil) }, save: func(string) error { return (*brokenError)(nil) }},
		"at the start":  {load: func(string) (string, error) { panic("secret") }, save: fine},
	} {
		t.Run(name, func(t *testing.T) {
			require.NotPanics(t, func() {
				before, after, told := run(t, store, reset)
				assert.Regexp(t, "^anon_", before)
				assert.NotEqual(t, "anon_lost", before)
				assert.NotEqual(t, before, after)
				require.NotEmpty(t, told)
				if name != "broken error" && name != "nil error" {
					assert.NotContains(t, told[0].Error(), "secret")
				}
			})
		})
	}
}

func TestAPanickingStoreIsCounted(t *testing.T) {
	c := newClient(t, loopkittest.NewTransport(t), func(o *loopkit.Options) {
		o.IdentityStore = ownStore{load: func(string) (string, error) { panic("load") }, save: func(string) error { panic("save") }}
	})
	assert.Equal(t, int64(1), c.Stats().Panics)
	c.Session().Reset()
	require.NoError(t, c.Close(t.Context()))
	assert.Equal(t, int64(2), c.Stats().Panics)
}

func TestAStoreThatEndsTheGoroutineOfNewLeavesNoneBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 20 {
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, err := loopkit.New(testKey, &loopkit.Options{
				IdentityStore: ownStore{load: func(string) (string, error) { runtime.Goexit(); return "", nil }}})
			assert.NoError(t, err)
		}()
		<-done
	}
	requireGoroutines(t, before)
}
