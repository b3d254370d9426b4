package loopkittest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// RequireIdentified fails the test at once unless the server knows the user and
// the anonymous ID belongs to that user, who was not deleted since. An empty
// anonymousID asks only for an identify of the user. That two devices belong to
// one user, two calls say. The message of the failure shows what did arrive.
func RequireIdentified(t testing.TB, s *Server, userID, anonymousID string) Person {
	t.Helper()
	p, ok := s.Person(userID)
	switch {
	case !ok || p.UserID != userID:
		t.Fatalf("no user %q arrived\n%s", userID, s.summary())
	case p.Deleted:
		t.Fatalf("user %q was deleted\n%s", userID, s.summary())
	case anonymousID == "" && !s.identified(userID):
		t.Fatalf("user %q was never identified\n%s", userID, s.summary())
	case anonymousID != "" && !slices.Contains(p.AnonymousIDs, anonymousID):
		t.Fatalf("anonymous ID %q does not belong to user %q, who has %q\n%s",
			anonymousID, userID, p.AnonymousIDs, s.summary())
	}
	return p
}

// RequireAnonymous fails the test at once unless something arrived about the
// person with the anonymous ID and nothing links that person to a user: no
// identify, and no message that names a user beside the anonymous ID. What
// arrived before the user was deleted does not count.
func RequireAnonymous(t testing.TB, s *Server, anonymousID string) Person {
	t.Helper()
	messages := s.Messages()
	for _, m := range messages[erased(messages, anonymousID):] {
		if m.AnonymousID == anonymousID && m.UserID != "" {
			t.Fatalf("anonymous ID %q arrived together with user %q\n%s", anonymousID, m.UserID, s.summary())
		}
	}
	p, ok := s.Person(anonymousID)
	if !ok || p.UserID != "" {
		t.Fatalf("nothing of anonymous ID %q arrived\n%s", anonymousID, s.summary())
	}
	return p
}

// RequireNoConflicts fails the test at once if identifies gave one anonymous ID
// to more than one user: LoopKit would merge two people. See [Person].Conflicts.
func RequireNoConflicts(t testing.TB, s *Server) {
	t.Helper()
	for _, p := range s.People() {
		if len(p.Conflicts) > 0 {
			t.Fatalf("user %q and another claim anonymous IDs %q\n%s", p.UserID, p.Conflicts, s.summary())
		}
	}
}

// RequireTracked fails the test at once unless the person with the given user ID
// or anonymous ID has an event of the given name. It returns the latest such event.
func RequireTracked(t testing.TB, s *Server, personID, event string) Message {
	t.Helper()
	p, _ := s.Person(personID)
	for _, m := range slices.Backward(p.Events) {
		if m.Name == event {
			return m
		}
	}
	t.Fatalf("no event %q of %q arrived\n%s", event, personID, s.summary())
	return Message{}
}

// RequireMember fails the test at once unless the person with the given user ID
// or anonymous ID is a member of the group.
func RequireMember(t testing.TB, s *Server, groupID, personID string) Group {
	t.Helper()
	g, ok := s.Group(groupID)
	p, _ := s.Person(personID)
	switch {
	case !ok:
		t.Fatalf("no group %q arrived\n%s", groupID, s.summary())
	case !slices.Contains(p.Groups, groupID):
		t.Fatalf("%q is not a member of group %q, which has %q\n%s", personID, groupID, g.Members, s.summary())
	}
	return g
}

// identified says whether an identify of the user arrived after its last deletion.
func (s *Server) identified(userID string) bool {
	for _, m := range slices.Backward(s.Messages()) {
		if m.UserID == userID && (m.Kind == KindIdentify || m.Kind == KindDeleteUser) {
			return m.Kind == KindIdentify
		}
	}
	return false
}

// summaryLines bounds how much of what arrived a failure shows.
const summaryLines = 40

// summary shows the latest messages, and the requests that were not answered with 200.
func (s *Server) summary() string {
	var lines []string
	for _, m := range s.Messages() {
		lines = append(lines, "  "+describe(m))
	}
	for _, r := range s.Requests() {
		if r.Status != http.StatusOK {
			lines = append(lines, fmt.Sprintf("  request %d: %s %s with %d messages: status %d",
				r.Index, r.Method, r.Path, r.Messages, r.Status))
		}
	}
	if len(lines) == 0 {
		return "nothing arrived"
	}
	if over := len(lines) - summaryLines; over > 0 {
		lines = append([]string{fmt.Sprintf("  (%d more)", over)}, lines[over:]...)
	}
	return "arrived:\n" + strings.Join(lines, "\n")
}

func describe(m Message) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s", m.Kind)
	for _, part := range []struct{ label, value string }{
		{"", m.Name}, {"group ", m.GroupID}, {"user ", m.UserID}, {"anonymous ID ", m.AnonymousID},
	} {
		if part.value != "" {
			fmt.Fprintf(&b, " %s%q", part.label, part.value)
		}
	}
	if len(m.Values) > 0 {
		fmt.Fprintf(&b, " %v", m.Values)
	}
	return b.String()
}
