package collector

import (
	"mime"
	"net/http"
)

// serve processes a request that ServeHTTP has begun to record.
func (c *Collector) serve(w http.ResponseWriter, r *http.Request) {
	ex := r.Context().Value(exchangeKey{}).(*exchange)
	var data any
	switch rt := ex.route; {
	case !ex.known, rt.deletion() && c.opts.NoDeletion:
		ex.refusal = refuse(http.StatusNotFound, "no such endpoint")
	case r.Method != rt.method:
		w.Header().Set("Allow", rt.method)
		ex.refusal = refuse(http.StatusMethodNotAllowed, "%s takes %s only", rt.endpoint, rt.method)
	case rt.endpoint == SDKVersions:
		data = map[string]string{"javascript": "1.1.4", "unity": "1.0.3"}
	default:
		ex.refusal = c.take(ex, r)
	}
	respond(w, data, ex.refusal)
}

// take stores the messages of a request, all or none.
func (c *Collector) take(ex *exchange, r *http.Request) error {
	if err := c.authorize(r); err != nil {
		return err
	}
	if ex.route.deletion() {
		return c.takeDeletion(ex)
	}
	if c.opts.Strict {
		if err := checkHeader(r.Header); err != nil {
			return err
		}
	}
	body, err := readBody(r.Body, r.Header.Get("Content-Encoding"))
	if err != nil {
		return err
	}
	form, elements, err := split(ex.route.endpoint, body, c.opts.Strict)
	if err != nil {
		return err
	}
	ex.understand(form, len(elements))
	messages, err := decode(ex.route.kind, form, elements, c.opts.Strict)
	if err != nil {
		return err
	}
	for i := range messages {
		if messages[i].Timestamp.IsZero() {
			messages[i].Timestamp = ex.entry.Time
		}
	}
	c.store(ex, messages)
	return nil
}

func (c *Collector) takeDeletion(ex *exchange) error {
	m := Message{Kind: ex.route.kind, Timestamp: ex.entry.Time}
	if ex.route.id == "" {
		return invalid("the path has no ID to delete")
	}
	if m.Kind == KindDeleteUser {
		m.UserID = ex.route.id
	} else {
		m.GroupID = ex.route.id
	}
	c.store(ex, []Message{m})
	return nil
}

// checkHeader refuses what only lenient servers accept.
func checkHeader(h http.Header) error {
	if encoding := h.Get("Content-Encoding"); encoding != "" {
		return refuse(http.StatusUnsupportedMediaType, "compressed bodies are not documented")
	}
	if media, _, err := mime.ParseMediaType(h.Get("Content-Type")); err != nil || media != "application/json" {
		return invalid("the Content-Type must be application/json")
	}
	return nil
}
