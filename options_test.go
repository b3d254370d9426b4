package loopkit_test

import (
	"math"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// statedBounds are those that the comments of Options state.
var statedBounds = []struct {
	option      string
	least, most int64
	mayBeNone   bool
}{
	{option: "BatchSize", least: 1, most: 10_000},
	{option: "BatchBytes", least: 1 << 10, most: 64 << 20},
	{option: "FlushInterval", least: int64(time.Millisecond), most: int64(time.Hour), mayBeNone: true},
	{option: "QueueSize", least: 1, most: 10_000_000},
	{option: "QueueBytes", least: 64 << 10, most: 1 << 30},
	{option: "MaxMessageBytes", least: 256, most: 16 << 20},
	{option: "MaxInFlight", least: 1, most: 64},
	{option: "RequestTimeout", least: int64(time.Millisecond), most: int64(10 * time.Minute)},
	{option: "SpoolInterval", least: int64(time.Millisecond), most: int64(time.Minute)},
	{option: "MaxAge", least: int64(time.Second), most: int64(720 * time.Hour), mayBeNone: true},
	{option: "RetryMin", least: int64(time.Millisecond), most: int64(time.Hour)},
	{option: "RetryMax", least: int64(time.Millisecond), most: int64(time.Hour)},
	{option: "CloseTimeout", least: int64(time.Millisecond), most: int64(time.Hour)},
	{option: "DeletionQuarantine", least: int64(time.Millisecond), most: int64(24 * time.Hour), mayBeNone: true},
}

func setOption(o *loopkit.Options, name string, value int64) {
	reflect.ValueOf(o).Elem().FieldByName(name).SetInt(value)
}

// printed is the value as a person would write it, a duration with its units.
func printed(name string, value int64) string {
	field, _ := reflect.TypeFor[loopkit.Options]().FieldByName(name)
	v := reflect.New(field.Type).Elem()
	v.SetInt(value)
	if d, ok := v.Interface().(time.Duration); ok {
		return d.String()
	}
	return strconv.FormatInt(value, 10)
}

func newError(t *testing.T, change func(*loopkit.Options)) error {
	t.Helper()
	opts := loopkit.Options{Logger: quietLogger()}
	change(&opts)
	c, err := loopkit.New(testKey, &opts)
	if err == nil {
		require.NoError(t, c.Close(t.Context()))
	} else {
		require.Nil(t, c)
	}
	return err
}

// argumentErrors returns every error that err joins, all of which must be ArgumentErrors.
func argumentErrors(t *testing.T, err error) map[string]*loopkit.ArgumentError {
	t.Helper()
	found := map[string]*loopkit.ArgumentError{}
	var visit func(error)
	visit = func(err error) {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, err := range joined.Unwrap() {
				visit(err)
			}
			return
		}
		var argument *loopkit.ArgumentError
		require.ErrorAs(t, err, &argument)
		require.Equal(t, "New", argument.Call)
		found[argument.Field] = argument
	}
	visit(err)
	return found
}

func TestEveryNumericOptionHasBounds(t *testing.T) {
	stated := map[string]bool{}
	for _, b := range statedBounds {
		stated[b.option] = true
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[loopkit.Options]()) {
		if kind := field.Type.Kind(); kind == reflect.Int || kind == reflect.Int64 {
			assert.True(t, stated[field.Name], field.Name)
		}
	}
}

func TestNumericOptionsAreAcceptedUpToTheirBoundsAndNoFurther(t *testing.T) {
	small := loopkit.Options{MaxMessageBytes: 256, BatchBytes: 1 << 10, RetryMin: time.Millisecond}
	large := loopkit.Options{QueueBytes: 1 << 30, BatchBytes: 64 << 20, RetryMax: time.Hour}
	for _, b := range statedBounds {
		t.Run(b.option, func(t *testing.T) {
			try := func(base loopkit.Options, value int64) error {
				return newError(t, func(o *loopkit.Options) {
					*o = base
					setOption(o, b.option, value)
				})
			}
			assert.NoError(t, try(small, b.least))
			assert.NoError(t, try(large, b.most))

			wrong := []int64{b.most + 1}
			if below := b.least - 1; below > 0 {
				wrong = append(wrong, below)
			}
			if b.mayBeNone {
				assert.NoError(t, try(loopkit.Options{}, -1))
				assert.NoError(t, try(loopkit.Options{}, math.MinInt64))
			} else {
				wrong = append(wrong, -1)
			}
			for _, value := range wrong {
				err := argumentErrors(t, try(loopkit.Options{}, value))
				require.Len(t, err, 1)
				require.Contains(t, err, b.option)
				assert.Contains(t, err[b.option].Reason, printed(b.option, value))
				assert.Contains(t, err[b.option].Reason, printed(b.option, b.least))
				assert.Contains(t, err[b.option].Reason, printed(b.option, b.most))
				assert.Equal(t, b.mayBeNone, strings.Contains(err[b.option].Reason, "negative for none"))
			}
		})
	}
}

func TestAllWrongOptionsAreNamedAtOnce(t *testing.T) {
	_, err := loopkit.New("", &loopkit.Options{
		BaseURL: "api.loopkit.ai", Dialect: 99, Overflow: 98, Compression: 97,
		BatchSize: -2, RequestTimeout: -time.Second, CloseTimeout: 2 * time.Hour,
		Context: loopkit.Properties{"app": make(chan int)},
	})
	wrong := argumentErrors(t, err)
	for _, field := range []string{
		"apiKey", "BaseURL", "Dialect", "Overflow", "Compression", "BatchSize", "RequestTimeout", "CloseTimeout", "Context",
	} {
		if assert.Contains(t, wrong, field) {
			assert.Contains(t, err.Error(), wrong[field].Error())
		}
	}
	assert.Len(t, wrong, 9)
	assert.Contains(t, wrong["Dialect"].Reason, "99")
	assert.Contains(t, wrong["CloseTimeout"].Reason, "2h0m0s")
}

func TestAWrongOptionDoesNotMakeOthersWrong(t *testing.T) {
	wrong := argumentErrors(t, newError(t, func(o *loopkit.Options) {
		o.MaxMessageBytes = -1
		o.Context = loopkit.Properties{"app": "shop"}
	}))
	assert.Contains(t, wrong, "MaxMessageBytes")
	assert.NotContains(t, wrong, "Context")
}

func TestRelationsBetweenOptions(t *testing.T) {
	err := newError(t, func(o *loopkit.Options) {
		o.MaxMessageBytes, o.BatchBytes, o.QueueBytes = 20<<10, 16<<10, 64<<10
		o.RetryMin, o.RetryMax = time.Minute, time.Second
	})
	wrong := argumentErrors(t, err)
	require.Len(t, wrong, 3)
	assert.Contains(t, wrong["MaxMessageBytes"].Reason, "is 20480; it must be at most BatchBytes, 16384")
	assert.Contains(t, wrong["BatchBytes"].Reason, "is 16384; it must be at most an eighth of QueueBytes, 8192")
	assert.Contains(t, wrong["RetryMin"].Reason, "is 1m0s; it must be at most RetryMax, 1s")

	assert.NoError(t, newError(t, func(o *loopkit.Options) {
		o.MaxMessageBytes, o.BatchBytes, o.QueueBytes = 8<<10, 8<<10, 64<<10
		o.RetryMin, o.RetryMax = time.Second, time.Second
	}), "equal is allowed")
}

func TestDefaultsFollowTheOptionsThatAreSet(t *testing.T) {
	for name, set := range map[string]func(*loopkit.Options){
		"a small queue":       func(o *loopkit.Options) { o.QueueBytes = 64 << 10 },
		"a small batch":       func(o *loopkit.Options) { o.BatchBytes = 1 << 10 },
		"a small queue alone": func(o *loopkit.Options) { o.QueueBytes, o.BatchBytes = 1<<20, 1<<10 },
		"a long retry":        func(o *loopkit.Options) { o.RetryMin = time.Minute },
		"a short retry":       func(o *loopkit.Options) { o.RetryMax = time.Millisecond },
	} {
		assert.NoError(t, newError(t, set), name)
	}
}

func TestTheAPIKeyIsCheckedAndNeverQuoted(t *testing.T) {
	for name, key := range map[string]string{
		"empty": "", "line break": "secret_key\n", "space": "secret key", "carriage return": "secret_key\r",
		"NUL": "secret\x00key", "non-ASCII": "secret_key_é", "invalid UTF-8": "secret_key\xff", "DEL": "secret_key\x7f",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := loopkit.New(key, nil)
			assert.Contains(t, argumentErrors(t, err), "apiKey")
			assert.NotContains(t, err.Error(), "secret")
		})
	}
}

// urlOfATrack returns the URL that a track goes to.
func urlOfATrack(t *testing.T, baseURL string) (url string, err error) {
	t.Helper()
	server := loopkittest.NewTransport(t)
	c, err := loopkit.New(testKey, &loopkit.Options{
		BaseURL: baseURL, Logger: quietLogger(),
		HTTPClient: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			url = r.URL.String()
			return server.RoundTripper().RoundTrip(r)
		})},
	})
	if err != nil {
		return "", err
	}
	require.NoError(t, c.Track(visitor("anon_1"), "e", nil))
	_ = c.Close(t.Context()) // some of these addresses are none of the server's
	return url, nil
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestBaseURLIsTheAddressThatEndpointsAreUnder(t *testing.T) {
	for base, want := range map[string]string{
		"":                               "https://api.loopkit.ai/v1/tracks",
		loopkit.DefaultURL:               "https://api.loopkit.ai/v1/tracks",
		loopkit.DrainURL:                 "https://drain.loopkit.ai/v1/tracks",
		"https://proxy.example/loopkit/": "https://proxy.example/loopkit/tracks",
		"http://localhost:8080":          "http://localhost:8080/tracks",
		"http://localhost:8080///":       "http://localhost:8080/tracks",
		"HTTPS://proxy.example":          "https://proxy.example/tracks",
		"http://[::1]:8080/v1":           "http://[::1]:8080/v1/tracks",
		"https://proxy.example/a%2Fb":    "https://proxy.example/a%2Fb/tracks",
	} {
		t.Run(base, func(t *testing.T) {
			t.Setenv("LOOPKIT_BASE_URL", "")
			got, err := urlOfATrack(t, base)
			require.NoError(t, err)
			assert.Equal(t, want, got)
		})
	}
}

func TestBaseURLComesFromTheEnvironmentUnlessItIsGiven(t *testing.T) {
	t.Setenv("LOOPKIT_BASE_URL", "https://env.example/v1")
	got, err := urlOfATrack(t, "")
	require.NoError(t, err)
	assert.Equal(t, "https://env.example/v1/tracks", got)
	got, err = urlOfATrack(t, "https://given.example")
	require.NoError(t, err)
	assert.Equal(t, "https://given.example/tracks", got)

	t.Setenv("LOOPKIT_BASE_URL", "env.example")
	_, err = urlOfATrack(t, "")
	assert.ErrorContains(t, err, "LOOPKIT_BASE_URL", "the error says where the value is from")
}

func TestBaseURLThatCannotWorkIsRefusedWithoutBeingQuoted(t *testing.T) {
	for name, base := range map[string]string{
		"no scheme":      "hidden.example/v1",
		"other scheme":   "ftp://hidden.example/v1",
		"no host":        "https:///hidden",
		"port alone":     "https://:443/hidden",
		"not a URL":      "https://hidden.example/%zz",
		"line break":     "https://hidden.example/v1\n",
		"credentials":    "https://user:hidden@proxy.example/v1",
		"user alone":     "https://hidden@proxy.example/v1",
		"query":          "https://proxy.example/v1?key=hidden",
		"empty query":    "https://hidden.example/v1?",
		"fragment":       "https://proxy.example/v1#hidden",
		"empty fragment": "https://hidden.example/v1#",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := urlOfATrack(t, base)
			require.Error(t, err)
			assert.Contains(t, argumentErrors(t, err), "BaseURL")
			assert.NotContains(t, err.Error(), "hidden")
		})
	}
}

func TestContextThatCannotBeSentIsRefused(t *testing.T) {
	for name, bad := range map[string]any{
		"channel": make(chan int), "NaN": math.NaN(), "panic": panicking{"hidden"}, "error": failing{"hidden"}, "size": strings.Repeat("x", 40<<10),
	} {
		t.Run(name, func(t *testing.T) {
			err := newError(t, func(o *loopkit.Options) { o.Context = loopkit.Properties{"app": map[string]any{"build": bad}} })
			wrong := argumentErrors(t, err)
			require.Contains(t, wrong, "Context")
			if name == "size" {
				assert.Contains(t, wrong["Context"].Reason, "16384", "the bound is named")
			} else {
				assert.Contains(t, wrong["Context"].Reason, "app.build", "the path is named")
			}
			assert.NotContains(t, err.Error(), "hidden")
			assert.Less(t, len(err.Error()), 1000)
		})
	}
}

func TestOptionsMayBeReusedAfterNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := loopkittest.NewTransport(t)
		opts := loopkit.Options{BaseURL: server.BaseURL(), HTTPClient: server.HTTPClient(), Context: loopkit.Properties{"app": "shop"}}
		c, err := loopkit.New(testKey, &opts)
		require.NoError(t, err)
		opts.Context["app"] = "other"
		opts.HTTPClient.Transport = nil
		opts = loopkit.Options{BaseURL: "https://other.example"}
		require.NoError(t, c.Track(visitor("anon_1"), "e", nil))
		require.NoError(t, c.Close(t.Context()))
		require.Len(t, server.Messages(), 1)
		assert.Equal(t, map[string]any{"app": "shop"}, server.Messages()[0].System["context"])
	})
}

func TestNewMakesNoRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := loopkittest.NewTransport(t)
		c := newClient(t, server)
		time.Sleep(24 * time.Hour)
		require.NoError(t, c.Flush(t.Context()))
		require.NoError(t, c.Close(t.Context()))
		assert.Empty(t, server.Requests())
	})
}

func TestNilOptionsAreTheDefaults(t *testing.T) {
	t.Setenv("LOOPKIT_BASE_URL", "")
	c, err := loopkit.New(testKey, nil)
	require.NoError(t, err)
	assert.Contains(t, c.AnonymousID(), "anon_")
	assert.NoError(t, c.Close(t.Context()))
}

func TestADeletionEndpointThatIsWrongIsRefusedAtTheCall(t *testing.T) {
	const id = "alice#1"
	for name, endpoint := range map[string]func(loopkit.Kind, string) (string, string){
		"no method":                 func(loopkit.Kind, string) (string, string) { return "", "/users/x" },
		"method in lower case":      func(loopkit.Kind, string) (string, string) { return "delete", "/users/x" },
		"method with a line break":  func(loopkit.Kind, string) (string, string) { return "DELETE\n", "/users/x" },
		"no path":                   func(loopkit.Kind, string) (string, string) { return "DELETE", "" },
		"no slash":                  func(loopkit.Kind, string) (string, string) { return "DELETE", "users/x" },
		"another host":              func(loopkit.Kind, string) (string, string) { return "DELETE", "https://other.example/users/x" },
		"wrong escape":              func(loopkit.Kind, string) (string, string) { return "DELETE", "/users/%zz" },
		"line break":                func(loopkit.Kind, string) (string, string) { return "DELETE", "/users/x\n" },
		"not escaped":               func(_ loopkit.Kind, id string) (string, string) { return "DELETE", "/users/" + id },
		"not escaped, empty at end": func(loopkit.Kind, string) (string, string) { return "DELETE", "/users/alice#" },
		"panic":                     func(loopkit.Kind, string) (string, string) { panic(id) },
	} {
		t.Run(name, func(t *testing.T) {
			server := loopkittest.NewTransport(t)
			c := newClient(t, server, func(o *loopkit.Options) { o.DeletionEndpoint = endpoint })
			d, err := c.DeleteUser(t.Context(), id)
			require.Error(t, err)
			assert.Contains(t, err.Error(), "Options.DeletionEndpoint")
			assert.NotContains(t, err.Error(), "alice")
			assert.Nil(t, d)
			stats := requireBalanced(t, c)
			assert.Equal(t, int64(1), stats.Refused)
			assert.Zero(t, stats.Accepted)
			if name == "panic" {
				assert.Equal(t, int64(1), stats.Panics)
			}
		})
	}
}

func TestADeletionEndpointGetsTheKindAndTheIDAsItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := loopkittest.NewTransport(t)
		c := newClient(t, server, func(o *loopkit.Options) {
			o.DeletionEndpoint = func(kind loopkit.Kind, id string) (string, string) {
				assert.Equal(t, loopkit.KindDeleteGroup, kind)
				assert.Equal(t, "team 1/2", id)
				return "POST", "/erase?group=team"
			}
		})
		d, err := c.DeleteGroup(t.Context(), "team 1/2")
		require.NoError(t, err)
		require.ErrorIs(t, d.Wait(t.Context()), loopkit.ErrDeletionUnsupported, "the test's server has no such endpoint")
		require.Len(t, server.Requests(), 1)
		assert.Equal(t, "POST", server.Requests()[0].Method)
		assert.Equal(t, "/v1/erase", server.Requests()[0].Path)
	})
}
