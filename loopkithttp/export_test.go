package loopkithttp

import (
	"net/http"

	"github.com/loopkitai/loopkit-go"
)

var Usable = usable

// MiddlewareThatRefreshes is Middleware with a draw that the test decides.
func MiddlewareThatRefreshes(c *loopkit.Client, opts *Options, refresh func() bool) func(http.Handler) http.Handler {
	return (&site{client: c, options: *opts, refresh: refresh}).middleware
}
