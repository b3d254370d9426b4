package command

import (
	"encoding/json"
	"fmt"
)

// dryRun is a request that is shown in place of being sent.
type dryRun struct {
	Method      string          `json:"method"`
	URL         string          `json:"url"`
	ContentType string          `json:"contentType"`
	Body        json.RawMessage `json:"body"`
	Redacted    int64           `json:"redacted,omitempty"` // values left out because they look like secrets
}

func (p *program) printDryRun(x exchange, redacted int64, asJSON bool) error {
	if asJSON {
		return p.printJSON(dryRun{x.method, x.url, x.contentType, x.body, redacted})
	}
	return written(fmt.Fprintf(p.out, "%s %s\nAuthorization: Bearer $%s\nContent-Type: %s\n\n%s\n", x.method, x.url, envKey, x.contentType, x.body))
}
