package collector

import (
	"encoding/json"
	"os"
	"testing"
)

func FuzzDecode(f *testing.F) {
	captured, err := os.ReadFile("testdata/vendor-js-1.1.4-journey.json")
	if err != nil {
		f.Fatal(err)
	}
	var journey []struct{ Body json.RawMessage }
	if err := json.Unmarshal(captured, &journey); err != nil {
		f.Fatal(err)
	}
	for i, request := range journey {
		f.Add(uint8(i), false, []byte(request.Body))
		f.Add(uint8(i), true, []byte(request.Body))
	}
	for _, seed := range []string{
		``, `null`, `[]`, `[null]`, `{"tracks": null}`, `{"tracks" : [ {} ] }`, `{"identifies":[[]]}`,
		`{"userId":"u","traits":{"a":1}}`, `{"groupId":"g","properties":{}}`, "{\"userId\":\"\xff\"}",
	} {
		for kind := range uint8(3) {
			f.Add(kind, false, []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, strict bool, body []byte) {
		rt := []route{collections["tracks"], collections["identifies"], collections["groups"]}[which%3]
		form, elements, err := split(rt.endpoint, body, strict)
		if err != nil {
			return
		}
		messages, err := decode(rt.kind, form, elements, strict)
		if err != nil {
			return
		}
		if form != "object" && form != "envelope" && form != "array" || len(messages) != len(elements) {
			t.Fatalf("form %q, %d messages of %d", form, len(messages), len(elements))
		}
		for _, m := range messages {
			checkAccepted(t, rt.kind, m, strict)
		}
		Merge(messages).People()
	})
}

func checkAccepted(t *testing.T, kind Kind, m Message, strict bool) {
	t.Helper()
	if m.Kind != kind || !json.Valid(m.Raw) || m.Values == nil {
		t.Fatalf("incomplete: %+v", m)
	}
	if m.ValuesKey != "" && m.ValuesKey != "traits" && m.ValuesKey != "properties" {
		t.Fatalf("values under %q", m.ValuesKey)
	}
	if strict && (m.AnonymousID == "" || m.Timestamp.IsZero() || m.ValuesKey == "") {
		t.Fatalf("strict accepted %s", m.Raw)
	}
	switch kind {
	case KindIdentify:
		if m.UserID == "" {
			t.Fatalf("accepted %s", m.Raw)
		}
	case KindGroup:
		if m.GroupID == "" {
			t.Fatalf("accepted %s", m.Raw)
		}
	case KindTrack:
		if m.Name == "" || m.AnonymousID == "" || m.Timestamp.IsZero() {
			t.Fatalf("accepted %s", m.Raw)
		}
	}
}
