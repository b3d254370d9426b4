package command

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/rules"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// kinds are those of the endpoints.
var kinds = map[string]collector.Kind{"identifies": collector.KindIdentify, "groups": collector.KindGroup, "tracks": collector.KindTrack}

// carried is the message of a request.
func (x *exchange) carried() (collector.Message, bool) {
	raw := json.RawMessage(x.body)
	var envelope map[string]json.RawMessage
	var list []json.RawMessage
	if json.Unmarshal(x.body, &envelope) == nil && json.Unmarshal(envelope[x.endpoint()], &list) == nil && len(list) == 1 {
		raw = list[0]
	}
	message, err := collector.Decode(kinds[x.endpoint()], raw)
	return message, err == nil
}

// ofSeveral are rules about what a message is the first of. Who sends one by hand
// may have sent others before.
var ofSeveral = []string{"W-GROUPTRAITS"}

// hint tells what the rules of "loopkit dev" say of a message, as far as they can
// when they know of nothing before it.
func (p *program) hint(message collector.Message) {
	checker := rules.NewFileChecker(func(int64) string { return "before" })
	for _, finding := range checker.Observe(rules.Input{Number: 1, Message: message}) {
		if !slices.Contains(ofSeveral, finding.Rule.ID) {
			p.tell("hint: %s [%s]", finding.Detail, finding.Rule.ID)
		}
	}
}

// missing lists the keys of values that a message does not have.
func missing(values map[string]any, message collector.Message) (keys []string) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if _, kept := message.Values[key]; !kept {
			keys = append(keys, printable(key, 30))
		}
	}
	return keys
}
