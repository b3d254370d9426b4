package main

import (
	"io"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkithttp"
)

func newGin(client *loopkit.Client, users *logins) http.Handler {
	router := gin.New()
	router.Use(ginMiddleware(loopkithttp.Middleware(client, &loopkithttp.Options{
		User: users.userOf,
		Page: func(r *http.Request) string { return r.Pattern },
	})))
	router.GET("/", func(c *gin.Context) {
		_ = client.Track(c.Request.Context(), "page_view", nil)
		c.Data(http.StatusOK, "text/html", []byte(home))
	})
	router.GET("/pricing", func(c *gin.Context) {
		_ = client.Track(c.Request.Context(), "page_view", nil)
	})
	products := router.Group("/products")
	products.GET("/:id", func(c *gin.Context) {
		_ = client.Track(c.Request.Context(), "page_view", nil) // of "/products/:id"
	})
	router.POST("/signup", func(c *gin.Context) {
		user := users.begin(c.Writer, c.Request)
		c.Request = loopkithttp.Login(c.Writer, c.Request, user, loopkit.Traits{"plan": "trial"})
		_ = client.Track(c.Request.Context(), "user_signup", nil)
		c.Redirect(http.StatusSeeOther, "/")
	})
	router.POST("/login", func(c *gin.Context) {
		user := users.begin(c.Writer, c.Request)
		c.Request = loopkithttp.Login(c.Writer, c.Request, user, nil)
		_ = client.Track(c.Request.Context(), "user_login", nil)
		c.Redirect(http.StatusSeeOther, "/")
	})
	router.POST("/teams", func(c *gin.Context) {
		_ = client.Group(c.Request.Context(), c.PostForm("team"), loopkit.Traits{"plan": "trial"})
		c.Redirect(http.StatusSeeOther, "/")
	})
	router.POST("/logout", func(c *gin.Context) {
		users.end(c.Writer, c.Request)
		c.Request = loopkithttp.Logout(c.Writer, c.Request)
		_ = client.Track(c.Request.Context(), "user_logout", nil) // a stranger's
		c.Redirect(http.StatusSeeOther, "/")
	})
	router.GET("/live", func(c *gin.Context) {
		_ = client.Track(c.Request.Context(), "live_opened", nil)
		c.Header("Content-Type", "text/event-stream")
		_, _ = io.WriteString(c.Writer, "data: hello\n\n")
		c.Writer.Flush()
		<-c.Request.Context().Done()
	})
	router.NoRoute(func(c *gin.Context) {
		_ = client.Track(c.Request.Context(), "page_not_found", nil) // without a page
	})
	return router
}

// ginMiddleware is for Engine.Use, which runs it after the routing. It leaves the
// response as it is, and passes the route's pattern on as http.Request.Pattern,
// for Options.Page.
func ginMiddleware(around func(http.Handler) http.Handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Request.Pattern = c.FullPath()
		around(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			c.Request = r
			c.Next()
		})).ServeHTTP(c.Writer, c.Request)
	}
}
