package page

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

func TestAnAnonymousIDThatIsAUsersIDTooHasAPageOfItsOwn(t *testing.T) {
	p := newPages(t,
		identified("u1", "A", values{"plan": "pro"}),
		tracked("stranger_came", "", "u1", nil),
		joined("g", "u1", "", nil),
		joined("g", "", "u1", nil),
	)
	for _, path := range []string{"/people", "/", "/groups/g"} {
		html := p.main(path)
		assert.Contains(t, html, `href="/people/u1"`, path)
		assert.Contains(t, html, `href="/people/-?anon=u1"`, path)
	}
	user, stranger := p.text("/people/u1"), p.text("/people/-?anon=u1")
	assert.NotContains(t, user, "stranger_came")
	assert.Contains(t, user, "see the anonymous person")
	assert.Contains(t, stranger, "stranger_came")
	assert.Contains(t, stranger, "see the user")
	assert.Contains(t, p.main("/people/-?anon=u1"), `data-live="/people/-?anon=u1&amp;fragment=1"`)
	assert.Contains(t, p.text("/people/-?anon=A"), "u1", "an anonymous ID leads to whom it was joined to")
}

func TestACommandTakesAnIDThatLooksLikeAFlag(t *testing.T) {
	assert.Equal(t, "loopkit identify user_123 --anonymous-id 'a b'", identifyCommand("user_123", "a b"))
	assert.Equal(t, "loopkit identify --anonymous-id anon_456 -- '--json'", identifyCommand("--json", "anon_456"))
}

func TestAConflictEndsWithTheOwner(t *testing.T) {
	p := newPages(t,
		identified("u1", "A", nil),
		identified("u2", "A", nil),
		collector.Message{Kind: collector.KindDeleteUser, UserID: "u1"},
		tracked("e2", "", "A", nil),
		identified("u2", "A", nil),
	)
	text := p.text("/people/u2")
	assert.NotContains(t, text, "Shared device")
	assert.NotContains(t, text, "u1")
	assert.NotContains(t, p.text("/people"), "conflict")
}
