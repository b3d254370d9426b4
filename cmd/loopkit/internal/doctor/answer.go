package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strings"
	"unicode"

	"github.com/loopkitai/loopkit-go"
)

// answer is what came back from an endpoint.
type answer struct {
	status      int
	contentType string
	body        []byte // the first mostRead bytes
	keyless     int    // the status of the same request without a key, if that was made
	err         error
}

func ask(ctx context.Context, client *http.Client, method, address, authorization, body string) answer {
	request, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return answer{err: err}
	}
	request.Header.Set("User-Agent", userAgent)
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := client.Do(request)
	if err != nil {
		return answer{err: err}
	}
	a := answer{status: response.StatusCode, contentType: mediaType(response.Header)}
	a.body, err = io.ReadAll(io.LimitReader(response.Body, mostRead))
	a.err = errors.Join(err, response.Body.Close())
	return a
}

// mediaType is empty if there is none.
func mediaType(header http.Header) string {
	name, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return name
}

func isJSON(mediaType string) bool { return strings.Contains(mediaType, "json") }

func (a answer) succeeded() bool { return a.err == nil && a.status >= 200 && a.status < 300 }

// refusedBody reports whether the server got as far as to refuse the body.
func (a answer) refusedBody() bool {
	return a.err == nil && (a.status == http.StatusBadRequest || a.status == http.StatusUnprocessableEntity)
}

func (a answer) isWebPage() bool {
	return a.contentType == "text/html" || bytes.HasPrefix(bytes.TrimSpace(a.body), []byte("<"))
}

// reply is the body that LoopKit's SDKs expect.
type reply struct {
	Success *bool  `json:"success"`
	Message string `json:"message"`
}

// objection is what the body says against a status of success, as gateways,
// login pages and servers that always answer 200 do; "" if it says nothing.
func (a answer) objection(check, answered, key string) (f Finding, objects bool) {
	if a.isWebPage() {
		return problem(check, answered+" with a web page", "this is not LoopKit's API: check the address; LoopKit's is "+loopkit.DefaultURL), true
	}
	if len(a.body) == 0 && (a.contentType == "" || isJSON(a.contentType)) {
		return Finding{}, false
	}
	var said reply
	switch wrong := json.Unmarshal(a.body, &said); {
	case wrong != nil, a.contentType != "" && !isJSON(a.contentType):
		return warning(check, answered+", but not like LoopKit: nothing confirms that it was taken", "check the address, and what stands between here and LoopKit"), true
	case said.Success != nil && !*said.Success && said.Message == "":
		return problem(check, answered+`, but with "success": false`, "the server refuses the request and does not say why: ask who runs it"), true
	case said.Success != nil && !*said.Success:
		return problem(check, fmt.Sprintf(`%s, but with "success": false: %s`, answered, quoted(said.Message, key)), "do what the server's message asks for; as long as it stands, nothing is taken"), true
	}
	return Finding{}, false
}

// quoted makes a server's message fit for a terminal, without the key, should it
// repeat that.
func quoted(message, key string) string {
	const longest = 200
	message = strings.ReplaceAll(message, key, "[API key]")
	message = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, message)
	if len(message) > longest {
		message = strings.ToValidUTF8(message[:longest], "") + "…"
	}
	return fmt.Sprintf("%q", message)
}

// listsVersions reports whether a body is like LoopKit's at /sdk-versions: a JSON
// object with versions in it. Their names and depth are not documented.
func listsVersions(body []byte) bool {
	var object map[string]any
	var said reply
	return json.Unmarshal(body, &object) == nil && json.Unmarshal(body, &said) == nil &&
		(said.Success == nil || *said.Success) && holdsVersion(object)
}

var version = regexp.MustCompile(`^v?\d+(\.\d+){1,2}([-+][\w.+-]*)?$`)

func holdsVersion(value any) bool {
	switch value := value.(type) {
	case string:
		return version.MatchString(value)
	case []any:
		for _, element := range value {
			if holdsVersion(element) {
				return true
			}
		}
	case map[string]any:
		for _, member := range value {
			if holdsVersion(member) {
				return true
			}
		}
	}
	return false
}
