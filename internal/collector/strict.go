package collector

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// attested are the members of messages that a source shows. Required are those
// that all of its examples have.
var attested = map[Kind]struct{ required, optional []string }{
	KindIdentify: {
		required: []string{"userId", "anonymousId", "timestamp"},
		optional: []string{"messageId", "system"},
	},
	KindGroup: {
		required: []string{"groupId", "anonymousId", "timestamp"},
		optional: []string{"messageId", "userId", "groupType", "system"},
	},
	KindTrack: {
		required: []string{"name", "anonymousId", "timestamp"},
		optional: []string{"messageId", "userId", "system"},
	},
}

// checkAttested refuses a message that no source attests in this form.
func checkAttested(kind Kind, form string, object fields) error {
	values := "properties"
	switch {
	case form == "object" && kind == KindTrack:
		return invalid("no source shows a track outside an envelope")
	case form == "object":
		values = "traits" // the page's form; the SDKs' envelopes have properties
	}
	members := attested[kind]
	for _, name := range append([]string{values}, members.required...) {
		if !object.has(name) {
			return invalid("%s in this form needs %s", kind, name)
		}
	}
	known := slices.Concat([]string{values}, members.required, members.optional)
	if err := checkMembers("", object, known); err != nil {
		return err
	}
	if err := checkSystem(object["system"]); err != nil {
		return err
	}
	for _, name := range []string{"anonymousId", "userId", "groupId", "name", "messageId"} {
		if string(object[name]) == `""` {
			return invalid("%s is empty", name)
		}
	}
	if text, err := object.text("timestamp"); err == nil && !strings.HasSuffix(text, "Z") {
		return invalid("timestamp %.60q is not UTC with a Z", text)
	}
	return nil
}

func checkSystem(raw json.RawMessage) error {
	if raw == nil {
		return nil
	}
	system, err := fieldsOf(raw)
	if err != nil {
		return invalid("system must be an object")
	}
	if err := checkMembers("system.", system, []string{"sdk", "sessionId", "context"}); err != nil {
		return err
	}
	if !system.has("sdk") {
		return nil
	}
	sdk, err := fieldsOf(system["sdk"])
	if err != nil {
		return invalid("system.sdk must be an object")
	}
	return checkMembers("system.sdk.", sdk, []string{"name", "version"})
}

// checkMembers refuses unknown members and nulls: what is unknown is left out.
func checkMembers(path string, object fields, known []string) error {
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if !slices.Contains(known, name) {
			return invalid("%s%.60s is not a documented member", path, name)
		}
		if !object.has(name) {
			return invalid("%s%s is null", path, name)
		}
	}
	return nil
}
