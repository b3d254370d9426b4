package devserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
)

// maxBody is the collector's own bound for a body as it was sent.
const maxBody = 5 << 20

// maxCommand bounds the body of a call that changes the server's state.
const maxCommand = 64 << 10

// verdict is the body of answers that bring no data, as LoopKit's.
type verdict struct {
	Success bool   `json:"success"`
	Message string `json:"message,omitempty"`
}

// mostIndented bounds an answer that is indented, which may make it several times as long.
const mostIndented = 64 << 10

// answer sends a value as JSON, which people may read unless it is long.
func answer(w http.ResponseWriter, status int, value any) {
	text, err := json.Marshal(value)
	if err == nil && len(text) <= mostIndented {
		text, err = json.MarshalIndent(value, "", "  ")
	}
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"success":false,"message":"the answer could not be encoded"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // a client that is gone needs no answer
}

func fail(w http.ResponseWriter, status int, format string, args ...any) {
	answer(w, status, verdict{Message: fmt.Sprintf(format, args...)})
}

// command reads the JSON body of a call that changes the server's state into
// value, which an empty body leaves alone.
func command(w http.ResponseWriter, r *http.Request, value any) error {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxCommand))
	decoder.DisallowUnknownFields()
	switch err := decoder.Decode(value); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return fmt.Errorf("the body is not what this call takes: %w", err)
	}
	if decoder.More() {
		return errors.New("the body has something behind its JSON")
	}
	return nil
}

func isJSON(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && media == "application/json"
}
