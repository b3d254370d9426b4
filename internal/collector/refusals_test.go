package collector_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

func TestAWrongRequestIsRefusedAndStoresNothing(t *testing.T) {
	big := strings.Repeat(" ", 5<<20)
	tests := map[string]struct {
		method, path, body string
		header             header
		status             int
		reason             string
	}{
		"no key":                       {path: "/tracks", body: track, header: header{"Authorization": ""}, status: 401, reason: "no API key"},
		"an empty Bearer":              {path: "/tracks", body: track, header: header{"Authorization": "Bearer"}, status: 401, reason: "no API key"},
		"a wrong key":                  {path: "/tracks", body: track, header: header{"Authorization": "Bearer other"}, status: 401, reason: "unknown API key"},
		"a wrong method":               {method: "PUT", path: "/tracks", body: track, status: 405, reason: "POST only"},
		"POST to one user":             {path: "/users/u", status: 405, reason: "DELETE only"},
		"DELETE of all groups":         {method: "DELETE", path: "/groups", status: 405, reason: "POST only"},
		"DELETE of nobody":             {method: "DELETE", path: "/users/", status: 400, reason: "no ID"},
		"an unknown path":              {path: "/events", body: track, status: 404, reason: "no such endpoint"},
		"an unescaped slash in an ID":  {method: "DELETE", path: "/users/a/b", status: 404, reason: "no such endpoint"},
		"a body over 5 MB":             {path: "/tracks", body: big + track, status: 413, reason: "over 5242880 bytes"},
		"an unknown encoding":          {path: "/tracks", body: track, header: header{"Content-Encoding": "br"}, status: 415, reason: `"br"`},
		"a body that is not gzip":      {path: "/tracks", body: track, header: header{"Content-Encoding": "gzip"}, status: 400, reason: "gzip"},
		"no body":                      {path: "/tracks", status: 400, reason: "not JSON"},
		"broken JSON":                  {path: "/tracks", body: `{"name"`, status: 400, reason: "not JSON"},
		"a number":                     {path: "/tracks", body: `5`, status: 400, reason: "must be an object"},
		"null":                         {path: "/tracks", body: `null`, status: 400, reason: "must be an object"},
		"an envelope without an array": {path: "/tracks", body: `{"tracks":null}`, status: 400, reason: "must be an array"},
		"another endpoint's envelope":  {path: "/tracks", body: `{"groups":[]}`, status: 400, reason: "needs name"},
		"one bad message of two":       {path: "/tracks", body: `{"tracks":[` + track + `,{"name":"x"}]}`, status: 400, reason: "message 2 of 2: a track needs anonymousId"},
		"a null among messages":        {path: "/tracks", body: `[` + track + `,null]`, status: 400, reason: "message 2 of 2: a message must be an object"},
		"an identify without userId":   {path: "/identifies", body: `{"anonymousId":"a","traits":{}}`, status: 400, reason: "needs userId"},
		"an empty userId":              {path: "/identifies", body: `{"userId":""}`, status: 400, reason: "needs userId"},
		"a userId in the wrong case":   {path: "/identifies", body: `{"userID":"u"}`, status: 400, reason: "needs userId"},
		"a numeric userId":             {path: "/identifies", body: `{"userId":7}`, status: 400, reason: "userId must be a string"},
		"a group without groupId":      {path: "/groups", body: `{"userId":"u"}`, status: 400, reason: "needs groupId"},
		"a track without name":         {path: "/tracks", body: strings.Replace(track, "page_view", "", 1), status: 400, reason: "needs name"},
		"JSON that nests too deep":     {path: "/tracks", body: strings.Replace(track, `{"page":"/pricing"}`, nested(100), 1), status: 400, reason: "nests deeper than 100 levels"},
		"a timestamp before the years": {path: "/tracks", body: strings.Replace(track, "2025-01-15T10:30:00.123Z", "0001-01-01T00:00:00Z", 1), status: 400, reason: "later than the year 1"},
		"a track without timestamp":    {path: "/tracks", body: `{"name":"x","anonymousId":"a"}`, status: 400, reason: "needs timestamp"},
		"a timestamp in words":         {path: "/tracks", body: strings.Replace(track, "2025-01-15T10:30:00.123Z", "today", 1), status: 400, reason: `"today"`},
		"traits that are null":         {path: "/identifies", body: `{"userId":"u","traits":null}`, status: 400, reason: "traits must be an object"},
		"properties that are an array": {path: "/tracks", body: strings.Replace(track, `{"page":"/pricing"}`, `[]`, 1), status: 400, reason: "properties must be an object"},
		"traits and properties":        {path: "/identifies", body: `{"userId":"u","traits":{},"properties":{}}`, status: 400, reason: "exclude each other"},
		"a system that is a string":    {path: "/identifies", body: `{"userId":"u","system":"linux"}`, status: 400, reason: "system must be an object"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c, base := serve(t, collector.Options{Keys: []string{"lk_test"}})
			if test.method == "" {
				test.method = http.MethodPost
			}
			status, answer := send(t, test.method, base+test.path, test.body, test.header)
			assert.Equal(t, test.status, status)
			assert.Contains(t, answer, `"success":false`)
			assert.Contains(t, strings.ReplaceAll(answer, `\"`, `"`), test.reason)
			assert.Empty(t, c.Messages())
			require.Len(t, c.Requests(), 1)
			assert.Equal(t, test.status, c.Requests()[0].Status)
		})
	}
}

func TestARefusedBodyIsStillDescribed(t *testing.T) {
	c, base := serve(t, collector.Options{Keys: []string{"lk_other"}})
	send(t, http.MethodPost, base+"/tracks", `{"tracks":[`+track+`,{"name":"x"}]}`, header{"Authorization": "Bearer lk_other"})
	r := c.Requests()[0]
	assert.Equal(t, 400, r.Status)
	assert.Equal(t, "envelope", r.Form)
	assert.Equal(t, 2, r.Messages)
}

func TestStrictAcceptsWhatTheSourcesAttest(t *testing.T) {
	system := `"system":{"sdk":{"name":"loopkit-go","version":"0.1.0"},"sessionId":"s","context":{"page":"/"}},"messageId":"m",`
	full := func(message string) string { return strings.Replace(message, "{", "{"+system, 1) }
	for name, test := range map[string]struct{ path, body string }{
		"the page's identify": {"/identifies", identify},
		"the page's group":    {"/groups", group},
		"an identify":         {"/identifies", full(identify)},
		"a group":             {"/groups", strings.Replace(full(group), "{", `{"groupType":"organization",`, 1)},
		"a track":             {"/tracks", `{"tracks":[` + full(track) + `]}`},
		"identifies":          {"/identifies", `{"identifies":[` + full(withProperties(identify)) + `]}`},
		"groups":              {"/groups", `{"groups":[` + full(withProperties(group)) + `]}`},
		"tracks":              {"/tracks", `{"tracks":[` + full(track) + `,` + full(track) + `]}`},
	} {
		t.Run(name, func(t *testing.T) {
			_, base := serve(t, collector.Options{Strict: true})
			status, answer := send(t, http.MethodPost, base+test.path, test.body,
				header{"Content-Type": "application/json; charset=utf-8"})
			assert.Equal(t, 200, status, answer)
		})
	}
}

func TestStrictRefusesTheRest(t *testing.T) {
	tests := map[string]struct {
		path, body string
		header     header
		status     int
		reason     string
	}{
		"a key without Bearer":            {path: "/tracks", body: track, header: header{"Authorization": "lk_test"}, status: 401, reason: "Bearer"},
		"a key in the query":              {path: "/tracks?apiKey=lk_test", body: track, header: header{"Authorization": ""}, status: 401, reason: "Bearer"},
		"compression":                     {path: "/tracks", body: track, header: header{"Content-Encoding": "gzip"}, status: 415, reason: "compressed"},
		"text/plain":                      {path: "/tracks", body: track, header: header{"Content-Type": "text/plain"}, reason: "application/json"},
		"no Content-Type":                 {path: "/tracks", body: track, header: header{"Content-Type": ""}, reason: "application/json"},
		"a bare track":                    {path: "/tracks", body: track, reason: "outside an envelope"},
		"an array":                        {path: "/tracks", body: `[` + track + `]`, reason: "bare array"},
		"an empty envelope":               {path: "/tracks", body: `{"tracks":[]}`, reason: "no messages"},
		"an envelope with other members":  {path: "/tracks", body: `{"tracks":[` + track + `],"sentAt":1}`, reason: "beside tracks"},
		"properties in a bare identify":   {path: "/identifies", body: withProperties(identify), reason: "needs traits"},
		"traits in an envelope":           {path: "/groups", body: `{"groups":[` + group + `]}`, reason: "needs properties"},
		"traits in a track":               {path: "/tracks", body: `{"tracks":[` + strings.Replace(track, "properties", "traits", 1) + `]}`, reason: "needs properties"},
		"an identify without anonymousId": {path: "/identifies", body: strings.Replace(identify, `"anonymousId":"anon_456",`, "", 1), reason: "needs anonymousId"},
		"an empty anonymousId":            {path: "/identifies", body: strings.Replace(identify, "anon_456", "", 1), reason: "anonymousId is empty"},
		"an identify without timestamp":   {path: "/identifies", body: strings.Replace(identify, `,"timestamp":"2025-01-15T10:30:00Z"`, "", 1), reason: "needs timestamp"},
		"a timestamp with an offset":      {path: "/tracks", body: `{"tracks":[` + strings.Replace(track, "123Z", "123+00:00", 1) + `]}`, reason: "UTC with a Z"},
		"a member of another kind":        {path: "/tracks", body: `{"tracks":[` + strings.Replace(track, "{", `{"groupId":"g",`, 1) + `]}`, reason: "groupId is not a documented member"},
		"an unknown member of system":     {path: "/tracks", body: `{"tracks":[` + strings.Replace(track, "{", `{"system":{"os":"linux"},`, 1) + `]}`, reason: "system.os is not a documented member"},
		"an unknown member of sdk":        {path: "/tracks", body: `{"tracks":[` + strings.Replace(track, "{", `{"system":{"sdk":{"lang":"go"}},`, 1) + `]}`, reason: "system.sdk.lang is not a documented member"},
		"a null":                          {path: "/tracks", body: `{"tracks":[` + strings.Replace(track, "{", `{"userId":null,`, 1) + `]}`, reason: "userId is null"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c, base := serve(t, collector.Options{Strict: true})
			if test.status == 0 {
				test.status = 400
			}
			status, answer := send(t, http.MethodPost, base+test.path, test.body, test.header)
			assert.Equal(t, test.status, status)
			assert.Contains(t, answer, test.reason)
			assert.Empty(t, c.Messages())
		})
	}
}
