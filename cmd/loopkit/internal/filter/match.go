package filter

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// keys are those of terms, beside prop.…
var keys = []string{
	"user", "anon", "group", "kind", "name", "warn", "sdk", "status",
	"id", "session", "auth", "form", "path",
}

// texts are the keys whose values are compared as they are.
var texts = map[string]func(*store.Entry, *collector.Message) string{
	"user":    func(_ *store.Entry, m *collector.Message) string { return m.UserID },
	"anon":    func(_ *store.Entry, m *collector.Message) string { return m.AnonymousID },
	"group":   func(_ *store.Entry, m *collector.Message) string { return m.GroupID },
	"name":    func(_ *store.Entry, m *collector.Message) string { return m.Name },
	"id":      func(_ *store.Entry, m *collector.Message) string { return m.MessageID },
	"session": func(_ *store.Entry, m *collector.Message) string { return m.SessionID },
	"auth":    func(e *store.Entry, _ *collector.Message) string { return e.Request.Auth },
	"form":    func(e *store.Entry, _ *collector.Message) string { return e.Request.Form },
	"path":    func(e *store.Entry, _ *collector.Message) string { return e.Request.Path },
}

// prepare finds out how to match the term, and whether that makes sense.
func (t *Term) prepare() error {
	text, isText := texts[t.Key]
	name, isProperty := strings.CutPrefix(t.Key, "prop.")
	if t.comparison != "" && !isProperty && t.Key != "status" {
		return fmt.Errorf("%s cannot be compared: write %s:%s, or quote a value that begins with %s", t.Key, t.Key, t.Value, t.comparison)
	}
	switch {
	case t.Key == "":
		t.match = containing(t.pattern)
	case isText:
		value := t.pattern
		t.match = func(e *store.Entry) bool { return value.match(text(e, message(e))) }
	case isProperty:
		return t.prepareProperty(name)
	case t.Key == "kind":
		return t.prepareKind()
	case t.Key == "status":
		return t.prepareStatus()
	case t.Key == "warn":
		value := t.pattern
		t.match = func(e *store.Entry) bool { return hasFinding(e, value) }
	case t.Key == "sdk":
		value := t.pattern
		t.match = func(e *store.Entry) bool { return isSDK(message(e), value) }
	}
	return nil
}

// message returns the entry's message; one that is empty if it has none.
func message(e *store.Entry) *collector.Message {
	if e.Message == nil {
		return &collector.Message{}
	}
	return e.Message
}

var kinds = map[string][]collector.Kind{
	"track":       {collector.KindTrack},
	"identify":    {collector.KindIdentify},
	"group":       {collector.KindGroup},
	"delete":      {collector.KindDeleteUser, collector.KindDeleteGroup},
	"deleteuser":  {collector.KindDeleteUser},
	"deletegroup": {collector.KindDeleteGroup},
	"refused":     {""}, // requests without a message
}

func (t *Term) prepareKind() error {
	wanted, ok := kinds[strings.ToLower(t.Value)]
	if !ok && !t.pattern.any() {
		return fmt.Errorf("unknown kind %s: use track, identify, group, delete, deleteUser, deleteGroup or refused", t.Value)
	}
	t.match = func(e *store.Entry) bool {
		for _, kind := range wanted {
			if message(e).Kind == kind {
				return true
			}
		}
		return !ok && e.Message != nil
	}
	return nil
}

// prepareStatus takes 200, >=400, 4xx and *.
func (t *Term) prepareStatus() error {
	if t.pattern.any() {
		t.match = func(e *store.Entry) bool { return e.Request.Status != 0 }
		return nil
	}
	if class := t.Value; t.comparison == "" && len(class) == 3 && strings.EqualFold(class[1:], "xx") && class[0] >= '1' && class[0] <= '5' {
		t.match = func(e *store.Entry) bool { return e.Request.Status/100 == int(class[0]-'0') }
		return nil
	}
	wanted, err := strconv.Atoi(t.Value)
	if err != nil {
		return fmt.Errorf("%s is no status: write status:200, status:4xx or status:>=400", t.Value)
	}
	comparison := t.comparison
	t.match = func(e *store.Entry) bool { return compare(cmp.Compare(e.Request.Status, wanted), comparison) }
	return nil
}

// compare says whether a comparison holds, given the order of its sides.
func compare(order int, comparison string) bool {
	switch comparison {
	case ">":
		return order > 0
	case ">=":
		return order >= 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	}
	return order == 0
}

// hasFinding knows rules with and without their prefix.
func hasFinding(e *store.Entry, value pattern) bool {
	for _, f := range e.Findings {
		id := f.Rule.ID
		if value.matchFold(id) || value.matchFold(strings.TrimPrefix(id, "W-")) || value.matchFold(string(f.Rule.Severity)) {
			return true
		}
	}
	return false
}

// isSDK takes a name alone, and with its version as "loopkit-go 0.1.0" or "loopkit-go/0.1.0".
func isSDK(m *collector.Message, value pattern) bool {
	sdk, _ := m.System["sdk"].(map[string]any)
	name, _ := sdk["name"].(string)
	version, _ := sdk["version"].(string)
	if name == "" {
		return false
	}
	return value.matchFold(name) || value.matchFold(name+" "+version) || value.matchFold(name+"/"+version)
}
