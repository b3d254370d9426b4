package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// valueFlags are the flags that describe traits or properties, as HTTPie does:
// key=text, and key:=JSON for everything else.
type valueFlags struct {
	single string // the flag's name, such as "trait"
	all    string // such as "traits-json"
	pairs  []string
	object string
}

func addValueFlags(cmd *cobra.Command, single, plural string) *valueFlags {
	f := &valueFlags{single: single, all: plural + "-json"}
	cmd.Flags().StringArrayVar(&f.pairs, single, nil, "`KEY=TEXT`, or KEY:=JSON for numbers, true, false, null: plan=pro, 'size:=25' (repeatable)")
	cmd.Flags().StringVar(&f.object, f.all, "", "the same as a `JSON` object, @FILE, or - for stdin")
	return f
}

// read collects the values of all flags. It never repeats a value in an error.
func (f *valueFlags) read(p *program) (map[string]any, error) {
	values, err := f.readObject(p)
	if err != nil {
		return nil, err
	}
	for i, pair := range f.pairs {
		key, value, err := parsePair(pair)
		if err != nil {
			if key == "" {
				return nil, usageErrorf("--%s number %d %w", f.single, i+1, err)
			}
			return nil, usageErrorf("--%s %s: %w", f.single, key, err)
		}
		if _, twice := values[key]; twice {
			return nil, usageErrorf("--%s %s: it has a value already; give each %s once", f.single, key, f.single)
		}
		values[key] = value
	}
	return values, nil
}

func (f *valueFlags) readObject(p *program) (map[string]any, error) {
	var text []byte
	var err error
	name, isFile := strings.CutPrefix(f.object, "@")
	switch {
	case f.object == "":
		return map[string]any{}, nil
	case f.object == "-":
		text, err = io.ReadAll(p.in)
	case isFile:
		text, err = os.ReadFile(name)
	default:
		text = []byte(f.object)
	}
	if err != nil {
		return nil, usageErrorf("--%s: %w", f.all, err)
	}
	values, err := parseObject(text)
	if err != nil {
		return nil, usageErrorf("--%s %w", f.all, err)
	}
	return values, nil
}

var errNoSeparator = errors.New("has no =; write key=text, or key:=25 for a number, true, false, null or other JSON")

// parsePair takes apart key=text and key:=JSON.
func parsePair(pair string) (key string, value any, err error) {
	key, text, found := strings.Cut(pair, "=")
	if !found {
		return "", nil, errNoSeparator
	}
	key, typed := strings.CutSuffix(key, ":")
	switch {
	case key == "":
		return "", nil, errors.New("has no key before the =")
	case !utf8.ValidString(key):
		return "", nil, errors.New("has a key that is not UTF-8")
	case !utf8.ValidString(text):
		return key, nil, errors.New("the value is not UTF-8")
	case !typed:
		return key, text, nil
	}
	value, err = parseJSON([]byte(text))
	if err != nil {
		return key, nil, fmt.Errorf("what follows := is not JSON; for a text write %s=…", key)
	}
	return key, value, nil
}

// parseJSON reads exactly one value, and keeps all digits of its numbers.
func parseJSON(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one value")
	}
	return value, nil
}

// parseObject reads one object, whose keys must differ.
func parseObject(text []byte) (map[string]any, error) {
	notObject := errors.New(`is not a JSON object such as {"plan":"pro"}`)
	switch {
	case !utf8.Valid(text):
		return nil, errors.New("is not UTF-8")
	case !json.Valid(text):
		return nil, notObject
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, notObject
	}
	values := map[string]any{}
	for decoder.More() {
		token, err := decoder.Token()
		key, isText := token.(string)
		if err != nil || !isText {
			return nil, notObject
		}
		if _, twice := values[key]; twice {
			return nil, fmt.Errorf("has the key %q twice", key)
		}
		var value any
		if err := decoder.Decode(&value); err != nil {
			return nil, notObject
		}
		values[key] = value
	}
	return values, nil
}
