package doctor

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestProxyVariables(t *testing.T) {
	for name, c := range map[string]struct {
		address   string
		variables map[string]string
		status    []Status
		says      string
	}{
		"none":             {"https://api.loopkit.ai/v1", nil, []Status{OK}, "none"},
		"this machine":     {"http://127.0.0.1:1/v1", map[string]string{"http_proxy": "http://proxy.test:3128"}, []Status{OK}, "requests to this machine never use a proxy"},
		"exempt":           {"https://api.loopkit.ai/v1", map[string]string{"HTTPS_PROXY": "http://proxy.test:3128", "NO_PROXY": ".loopkit.ai"}, []Status{OK}, "NO_PROXY exempts"},
		"not exempt":       {"https://api.loopkit.ai/v1", map[string]string{"HTTPS_PROXY": "http://proxy.test:3128"}, []Status{OK}, "HTTPS_PROXY is set, but not used"},
		"no URL":           {"https://api.loopkit.ai/v1", map[string]string{"https_proxy": "http://me:s3cr3t%zz@proxy.test:3128"}, []Status{Warning}, "HTTPS_PROXY holds no URL: Go programs ignore it"},
		"no URL, NO_PROXY": {"https://api.loopkit.ai/v1", map[string]string{"HTTPS_PROXY": "http://me:s3cr3t%zz@proxy.test", "NO_PROXY": "a.test"}, []Status{Warning}, "%25 for a %"},
		"no URL, unused":   {"https://api.loopkit.ai/v1", map[string]string{"HTTP_PROXY": "http://me:s3cr3t%zz@proxy.test", "HTTPS_PROXY": "proxy.test", "NO_PROXY": "*"}, []Status{OK}, "NO_PROXY exempts"},
		"for https alone":  {"http://collector.test/v1", map[string]string{"HTTPS_PROXY": "http://proxy.test:3128"}, []Status{Warning}, "set HTTP_PROXY too"},
		"for http alone":   {"https://api.loopkit.ai/v1", map[string]string{"HTTP_PROXY": "http://proxy.test:3128"}, []Status{Warning}, "set HTTPS_PROXY too"},
		"two cases differ": {"https://api.loopkit.ai/v1", map[string]string{"NO_PROXY": "a.test", "no_proxy": "b.test"}, []Status{OK, Warning}, "none"},
		"ALL_PROXY":        {"https://api.loopkit.ai/v1", map[string]string{"ALL_PROXY": "socks5://proxy.test"}, []Status{OK, Warning}, "none"},
	} {
		env := healthy(t, c.address)
		env.Getenv = environment(c.variables)
		base, _ := checkAddress(env)
		proxy, findings := checkProxy(env, base)
		assert.Nil(t, proxy)
		require.Len(t, findings, len(c.status), name)
		for i, status := range c.status {
			assert.Equal(t, status, findings[i].Status, name)
		}
		assert.Contains(t, findings[0].Detail+findings[0].Fix, c.says, name)
		assert.NotContains(t, findings[0].Detail+findings[0].Fix, "s3cr3t")
	}
}

func TestAProxyIsNamedWithoutItsPassword(t *testing.T) {
	env := healthy(t, "https://api.loopkit.ai/v1")
	env.Getenv = environment(map[string]string{"HTTPS_PROXY": "set"})
	given, err := url.Parse("http://me:s3cr3t@proxy.test:3128")
	require.NoError(t, err)
	env.Proxy = http.ProxyURL(given)
	base, _ := checkAddress(env)
	proxy, findings := checkProxy(env, base)
	assert.Equal(t, given, proxy)
	assert.Equal(t, "requests go through http://proxy.test:3128 (HTTPS_PROXY)", findings[0].Detail)

}

// asChild makes a test run again as a process of its own, since net/http reads
// the variables once.
const asChild = "LOOPKIT_TEST_AS_CHILD"

func TestWhatGoDoesWithAProxyThatIsNoURL(t *testing.T) {
	const name = "TestWhatGoDoesWithAProxyThatIsNoURL"
	if os.Getenv(asChild) != "" {
		env := healthy(t, os.Getenv("LOOPKIT_BASE_URL"))
		env.Getenv, env.Proxy = os.Getenv, http.ProxyFromEnvironment
		found := examine(t, env)
		require.NotEmpty(t, found["proxy"])
		if found["proxy"][0].Status == Failed {
			assert.Empty(t, found["DNS"], "there is no way to go")
		}
		fmt.Println("finding:", found["proxy"][0].Status, found["proxy"][0].Detail)
		return
	}
	for variable, says := range map[string]string{
		"HTTPS_PROXY=http://me:s3cr3t%zz@127.0.0.1:1":   "warning HTTPS_PROXY holds no URL: Go programs ignore it",
		"https_proxy=me:s3cr3t%zz@127.0.0.1:1":          "failed HTTPS_PROXY holds no URL of a proxy: Go programs read something else out of it",
		"HTTPS_PROXY=http://me:s3cr3t word@127.0.0.1:1": "failed HTTPS_PROXY holds no URL of a proxy: Go programs read something else out of it",
		"HTTPS_PROXY=ftp://127.0.0.1:1":                 "failed HTTPS_PROXY holds no URL of a proxy: Go programs read something else out of it",
		"HTTPS_PROXY=me:s3cr3t%25zz@127.0.0.1:1":        "ok requests go through http://127.0.0.1:1",
		"HTTPS_PROXY=socks5://127.0.0.1:1":              "ok requests go through socks5://127.0.0.1:1",
		"HTTPS_PROXY=":                                  "ok none",
	} {
		assert.Contains(t, childOf(t, name, "https://api.loopkit.ai/v1", variable), "finding: "+says, variable)
	}
	out := childOf(t, name, "http://collector.internal/v1", "HTTP_PROXY=http://127.0.0.1:1", "REQUEST_METHOD=GET")
	assert.Contains(t, out, "finding: failed Go programs refuse HTTP_PROXY where REQUEST_METHOD is set")
}

func childOf(t *testing.T, test, baseURL string, variables ...string) (out string) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+test+"$")
	cmd.Env = append(os.Environ(), "HTTP_PROXY=", "HTTPS_PROXY=", "NO_PROXY=", "http_proxy=", "https_proxy=", "no_proxy=", asChild+"=1", "LOOPKIT_BASE_URL="+baseURL,
		"GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	cmd.Env = append(cmd.Env, variables...)
	text, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", text)
	return string(text)
}
