package main

import (
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkithttp"
)

func newEcho(client *loopkit.Client, users *logins) http.Handler {
	router := echo.New()
	router.Use(echoMiddleware(loopkithttp.Middleware(client, &loopkithttp.Options{
		User: users.userOf,
		Page: func(r *http.Request) string { return r.Pattern },
	})))
	router.GET("/", func(c echo.Context) error {
		_ = client.Track(c.Request().Context(), "page_view", nil)
		return c.HTML(http.StatusOK, home)
	})
	router.GET("/pricing", func(c echo.Context) error {
		_ = client.Track(c.Request().Context(), "page_view", nil)
		return c.NoContent(http.StatusOK)
	})
	products := router.Group("/products")
	products.GET("/:id", func(c echo.Context) error {
		_ = client.Track(c.Request().Context(), "page_view", nil) // of "/products/:id"
		return c.NoContent(http.StatusOK)
	})
	router.POST("/signup", func(c echo.Context) error {
		user := users.begin(c.Response(), c.Request())
		c.SetRequest(loopkithttp.Login(c.Response(), c.Request(), user, loopkit.Traits{"plan": "trial"}))
		_ = client.Track(c.Request().Context(), "user_signup", nil)
		return c.Redirect(http.StatusSeeOther, "/")
	})
	router.POST("/login", func(c echo.Context) error {
		user := users.begin(c.Response(), c.Request())
		c.SetRequest(loopkithttp.Login(c.Response(), c.Request(), user, nil))
		_ = client.Track(c.Request().Context(), "user_login", nil)
		return c.Redirect(http.StatusSeeOther, "/")
	})
	router.POST("/teams", func(c echo.Context) error {
		_ = client.Group(c.Request().Context(), c.FormValue("team"), loopkit.Traits{"plan": "trial"})
		return c.Redirect(http.StatusSeeOther, "/")
	})
	router.POST("/logout", func(c echo.Context) error {
		users.end(c.Response(), c.Request())
		c.SetRequest(loopkithttp.Logout(c.Response(), c.Request()))
		_ = client.Track(c.Request().Context(), "user_logout", nil) // a stranger's
		return c.Redirect(http.StatusSeeOther, "/")
	})
	router.GET("/live", func(c echo.Context) error {
		_ = client.Track(c.Request().Context(), "live_opened", nil)
		c.Response().Header().Set("Content-Type", "text/event-stream")
		_, err := io.WriteString(c.Response(), "data: hello\n\n")
		c.Response().Flush()
		<-c.Request().Context().Done()
		return err
	})
	router.RouteNotFound("/*", func(c echo.Context) error {
		_ = client.Track(c.Request().Context(), "page_not_found", nil)
		return echo.ErrNotFound
	})
	return router
}

// echoMiddleware is for Echo.Use, which runs it after the routing. Other than
// echo.WrapMiddleware it leaves the response as it is, and it passes the route's
// pattern on as http.Request.Pattern, for Options.Page.
func echoMiddleware(around func(http.Handler) http.Handler) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) (err error) {
			c.Request().Pattern = c.Path()
			around(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				c.SetRequest(r)
				err = next(c)
			})).ServeHTTP(c.Response(), c.Request())
			return err
		}
	}
}
