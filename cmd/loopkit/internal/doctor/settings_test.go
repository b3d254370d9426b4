package doctor

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestShapeOfTheKey(t *testing.T) {
	for key, c := range map[string]struct {
		status Status
		says   string
	}{
		testKey:                      {OK, "from LOOPKIT_API_KEY, 14 characters"},
		"lk_dev":                     {OK, "6 characters"},
		"":                           {Failed, "set LOOPKIT_API_KEY"},
		"s3cr3t":                     {Warning, "only 6 characters"},
		"  ":                         {Failed, "blank"},
		" " + testKey:                {Failed, "spaces or a line break around it"},
		testKey + "\n":               {Failed, "spaces or a line break around it"},
		testKey + "\n" + testKey:     {Failed, "more than one line"},
		"\ufeff" + testKey:           {Failed, "a byte order mark"},
		"Bearer " + testKey:          {Failed, `begins with "Bearer "`},
		`"` + testKey + `"`:          {Failed, "quotes"},
		"'" + testKey + "'":          {Failed, "quotes"},
		"lk_test s3cr3t":             {Failed, "a space"},
		"lk_test_s3cr3tё":            {Failed, "character that no key has"},
		"LOOPKIT_API_KEY=" + testKey: {Failed, "name of the variable"},
		"https://api.loopkit.ai/v1":  {Failed, "an address"},
		"your-api-key":               {Failed, "placeholder"},
		"<your key>":                 {Failed, "placeholder"},
		"$LOOPKIT_API_KEY":           {Failed, "placeholder"},
	} {
		env := healthy(t, "http://127.0.0.1:1/v1")
		env.Key = key
		requireFinding(t, examine(t, env), "key", c.status, c.says)
	}
}

func TestAKeyThatCannotBeRead(t *testing.T) {
	env := healthy(t, "http://127.0.0.1:1/v1")
	env.Key, env.KeyError = "", errors.New("the API key's file: permission denied")
	requireFinding(t, examine(t, env), "key", Failed, "permission denied")
}

func TestTwoPlacesForTheKey(t *testing.T) {
	env := healthy(t, "http://127.0.0.1:1/v1")
	env.Getenv = environment(map[string]string{"LOOPKIT_API_KEY_FILE": "key"})
	found := examine(t, env)["key"]
	require.Len(t, found, 2)
	assert.Equal(t, Warning, found[1].Status)
}

func TestShapeOfTheAddress(t *testing.T) {
	for address, c := range map[string]struct {
		status Status
		says   string
	}{
		"https://api.loopkit.ai/v1":               {OK, "https://api.loopkit.ai/v1 (LOOPKIT_BASE_URL)"},
		"https://api.loopkit.ai/v1/":              {OK, "https://api.loopkit.ai/v1 (LOOPKIT_BASE_URL)"},
		"https://drain.loopkit.ai/v1":             {OK, "its documentation says https://api.loopkit.ai/v1"},
		"http://127.0.0.1:1/v1":                   {OK, "on this machine"},
		"http://[::1]:1/v1":                       {OK, "on this machine"},
		"http://LOCALHOST:1/v1":                   {OK, "on this machine"},
		"https://events.example.com/v1":           {Warning, "no host of LoopKit's → use https://api.loopkit.ai/v1, unless it is a server of your own"},
		"https://api.lopkit.ai/v1":                {Warning, "no host of LoopKit's"},
		"http://collector.test:99999/v1":          {Failed, "a port that cannot be"},
		"https://docs.loopkit.ai/v1":              {Failed, "none that takes data"},
		"https://loopkit.ai/v1":                   {Failed, "none that takes data"},
		"https://api.loopkit.ai":                  {Failed, "add /v1: https://api.loopkit.ai/v1"},
		"https://api.loopkit.ai/":                 {Failed, "add /v1"},
		"https://api.loopkit.ai/v1/tracks":        {Failed, "ends with /tracks"},
		"https://api.loopkit.ai/v1?apiKey=s3cr3t": {Failed, "query"},
		"https://me:s3cr3t@api.loopkit.ai/v1":     {Failed, "credentials"},
		"api.loopkit.ai/v1":                       {Failed, "does not begin with https://"},
		"ftp://api.loopkit.ai/v1":                 {Failed, "does not begin with https://"},
		"https:///v1":                             {Failed, "names no host"},
		"https://api loopkit.ai/v1":               {Failed, "no URL"},
		"https://s3cr3t%zz/v1":                    {Failed, "no URL"},
	} {
		env := healthy(t, address)
		env.Resolver = nameServer{}
		found := examine(t, env)
		requireFinding(t, found, "address", c.status, c.says)
		if c.status == Failed && c.says != "none that takes data" {
			assert.Empty(t, found["DNS"], "no request can be sent to it")
		}
	}
}

func TestAnAddressWithoutAPathWorksIfTheServerTakesIt(t *testing.T) {
	root := httptest.NewServer(http.NotFoundHandler())
	defer root.Close()
	for _, address := range []string{root.URL, root.URL + "/"} {
		found := examine(t, healthy(t, address))
		require.Len(t, found["address"], 2)
		assert.Equal(t, Warning, found["address"][1].Status)
		assert.Contains(t, found["address"][1].Fix, "add /v1: "+root.URL+"/v1")
		assert.Len(t, found["server"], 1, "the checks go on")
	}
}

func TestAnAddressKeepsWhatIsEscapedInIt(t *testing.T) {
	base, _ := checkAddress(healthy(t, "http://127.0.0.1:1/a%2Fb/"))
	assert.Equal(t, "http://127.0.0.1:1/a%2Fb", base.String())
}

func TestAKeyThatTravelsUnencrypted(t *testing.T) {
	for address, status := range map[string]Status{
		"http://api.loopkit.ai/v1":     Failed,
		"http://203.0.113.1/v1":        Failed,
		"http://API.LOOPKIT.AI/v1":     Failed,
		"http://192.168.1.2/v1":        Warning,
		"http://collector/v1":          Warning,
		"http://collector.internal/v1": Warning,
	} {
		base, findings := checkAddress(healthy(t, address))
		require.NotNil(t, base)
		require.Len(t, findings, 2, address)
		assert.Equal(t, status, findings[1].Status, address)
		assert.Contains(t, findings[1].Detail, "unencrypted")
	}
}

func TestAKeyOfTheDevelopmentServerBelongsToThisMachine(t *testing.T) {
	env := healthy(t, "https://api.loopkit.ai/v1")
	env.Key = "lk_dev"
	_, findings := checkAddress(env)
	require.Len(t, findings, 2)
	assert.Equal(t, Warning, findings[1].Status)
}

func TestStateOfAProgram(t *testing.T) {
	config := t.TempDir()
	env := healthy(t, "")
	env.App, env.ConfigDir = "my-tool", func() (string, error) { return config, nil }
	state := func() Finding { return checkState(env)[0] }
	dir := filepath.Join(config, "my-tool", "telemetry")
	choice := func(text string) { require.NoError(t, os.WriteFile(filepath.Join(dir, "choice"), []byte(text), 0o600)) }

	assert.Contains(t, state().Detail, "has kept nothing yet")
	require.NoError(t, os.MkdirAll(dir, 0o700))
	assert.Contains(t, state().Detail, "nobody has agreed")
	choice("on 2025-01-15\n")
	assert.Equal(t, OK, state().Status)
	choice("off 2025-01-15\n")
	assert.Equal(t, Warning, state().Status)
	choice("perhaps\n")
	assert.Equal(t, Failed, state().Status)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "spool"), 0o700))
	assert.Len(t, checkState(env), 2, "the program's spool is looked at, too")

	env.ConfigDir = func() (string, error) { return "", errors.New("$HOME is not defined") }
	assert.Contains(t, state().Fix, "set HOME")
}

func TestASpoolIsLookedAtWithoutOpeningIt(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, mode os.FileMode) {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, make([]byte, 4096), mode))
		require.NoError(t, os.Chmod(file, mode))
	}
	spool := func() []Finding { return inspectSpool(dir) }

	assert.Contains(t, spool()[0].Detail, "has no spool")
	write("spool.db", 0o600)
	write("spool-2.db", 0o600)
	write("spool.lock", 0o600)
	write("notes.txt", 0o644)
	assert.Equal(t, []Finding{ok("spool", "2 files of 8 KiB in "+dir)}, spool())
	write("spool.db.damaged-20250115", 0o600)
	assert.Contains(t, spool()[0].Detail, "1 damaged file set aside")
	require.NoError(t, os.Truncate(filepath.Join(dir, "spool.db"), largeSpool+1))
	assert.Contains(t, spool()[1].Detail, "a lot may be waiting")
	assert.Equal(t, Warning, inspectSpool(filepath.Join(dir, "missing"))[0].Status)
	require.NoError(t, os.Symlink("notes.txt", filepath.Join(dir, "spool-3.db")))
	assert.Equal(t, Failed, spool()[0].Status)
}
