package store

import (
	"net/http"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/rules"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

var kinds = map[collector.Endpoint]collector.Kind{
	collector.Identifies: collector.KindIdentify,
	collector.Groups:     collector.KindGroup,
	collector.Tracks:     collector.KindTrack,
}

// explain returns what the rules know of a request that the collector refused
// for the first bad one of its messages.
func explain(r *collector.Request) []rules.Finding {
	kind, known := kinds[r.Endpoint]
	if r.Status != http.StatusBadRequest || r.Refusal == "" || !known {
		return nil
	}
	_, elements, err := collector.Split(r.Endpoint, r.Body)
	if err != nil {
		return nil
	}
	for _, element := range elements {
		if m, err := collector.Decode(kind, element); err != nil {
			return rules.Refusal(rules.Input{Message: m, Request: r})
		}
	}
	return nil
}
