package collector

import (
	"net/http"
	"net/url"
	"strings"
)

// Endpoint names what a request is for.
type Endpoint string

// The endpoints, whatever the path of the base URL.
const (
	Identifies     Endpoint = "identifies"   // POST /identifies
	Groups         Endpoint = "groups"       // POST /groups
	Tracks         Endpoint = "tracks"       // POST /tracks
	UserDeletions  Endpoint = "users/{id}"   // DELETE /users/{id}
	GroupDeletions Endpoint = "groups/{id}"  // DELETE /groups/{id}
	SDKVersions    Endpoint = "sdk-versions" // GET /sdk-versions, without a key
)

type route struct {
	endpoint Endpoint
	kind     Kind // of the messages it takes
	method   string
	id       string // of what to delete
}

func (rt route) deletion() bool {
	return rt.kind == KindDeleteUser || rt.kind == KindDeleteGroup
}

var collections = map[string]route{
	"identifies":   {endpoint: Identifies, kind: KindIdentify, method: http.MethodPost},
	"groups":       {endpoint: Groups, kind: KindGroup, method: http.MethodPost},
	"tracks":       {endpoint: Tracks, kind: KindTrack, method: http.MethodPost},
	"sdk-versions": {endpoint: SDKVersions, method: http.MethodGet},
}

var deletions = map[string]route{
	"users":  {endpoint: UserDeletions, kind: KindDeleteUser, method: http.MethodDelete},
	"groups": {endpoint: GroupDeletions, kind: KindDeleteGroup, method: http.MethodDelete},
}

// routeOf looks at the end of the path only, so that any base URL works.
// An http.ServeMux would redirect paths whose ID is "..".
func routeOf(r *http.Request) (route, bool) {
	elements := strings.Split(r.URL.EscapedPath(), "/")
	last := elements[len(elements)-1]
	item, isItem := route{}, false
	if len(elements) > 1 {
		item, isItem = deletions[elements[len(elements)-2]]
		id, err := url.PathUnescape(last)
		item.id, isItem = id, isItem && err == nil
	}
	collection, isCollection := collections[last]
	switch {
	case isItem && (r.Method == http.MethodDelete || !isCollection):
		return item, true // a user may be called "tracks"
	case isCollection:
		return collection, true
	}
	return route{}, false
}

// EndpointOf returns the endpoint that a request is for, whatever its method;
// it is empty if the path is none that the collector knows.
func EndpointOf(r *http.Request) Endpoint {
	rt, _ := routeOf(r)
	return rt.endpoint
}
