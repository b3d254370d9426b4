package page

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/filter"
)

// personURL returns the address of the person who has the user ID or the
// anonymous ID.
func personURL(id string) string { return itemURL("/people/", id) }

// anonymousURL returns the address of the person who has the anonymous ID, also
// if it is the ID of a user as well.
func anonymousURL(id string) string {
	return "/people/-?anon=" + strings.ReplaceAll(url.QueryEscape(id), "+", "%20")
}

// groupURL returns the address of the group.
func groupURL(id string) string { return itemURL("/groups/", id) }

// itemURL puts the ID into the path, unless a browser would take it for a step up.
func itemURL(prefix, id string) string {
	if id == "" || id == "." || id == ".." {
		return prefix + "-?" + url.Values{"id": {id}}.Encode()
	}
	return prefix + url.PathEscape(id)
}

// eventURL returns the address of an entry in Live.
func eventURL(seq int64) string { return "/?sel=" + strconv.FormatInt(seq, 10) }

// liveURL returns the address of what Live shows for keys and values in turn:
// "user", "user_123". An empty value is left out.
func liveURL(terms ...string) string {
	var query []string
	for i := 0; i+1 < len(terms); i += 2 {
		if terms[i+1] != "" {
			query = append(query, terms[i]+":"+filter.Quote(terms[i+1]))
		}
	}
	return "/?" + url.Values{"q": {strings.Join(query, " ")}}.Encode()
}
