package collector

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// refusal is an error with the status that tells the client.
type refusal struct {
	status int
	reason string
}

func (r *refusal) Error() string { return r.reason }

func refuse(status int, format string, args ...any) error {
	return &refusal{status: status, reason: fmt.Sprintf(format, args...)}
}

// invalid refuses what a message says.
func invalid(format string, args ...any) error {
	return refuse(http.StatusBadRequest, format, args...)
}

// answer is the body of every response; the vendor's SDKs declare this type.
type answer struct {
	Success bool   `json:"success"`
	Message string `json:"message,omitempty"`
	Data    any    `json:"data,omitempty"`
}

// respond answers with data, or with err if it is not nil.
func respond(w http.ResponseWriter, data any, err error) {
	status, body := http.StatusOK, answer{Success: true, Data: data}
	if err != nil {
		status, body = http.StatusBadRequest, answer{Message: err.Error()}
		var refused *refusal
		if errors.As(err, &refused) {
			status = refused.status
		}
	}
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // the data is this package's own
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // a client that is gone needs no answer
}
