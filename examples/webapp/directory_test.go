package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAccountsAreBounded(t *testing.T) {
	d := newDirectory()
	for n := range maxAccounts {
		_, err := d.signUp(fmt.Sprintf("user_%d@example.com", n), "John")
		require.NoError(t, err)
	}
	_, err := d.signUp("john@acme.com", "John")
	assert.ErrorContains(t, err, "no room")
	first, err := d.find("user_0@example.com")
	require.NoError(t, err)
	d.remove(first.ID)
	_, err = d.signUp("john@acme.com", "John")
	assert.NoError(t, err)
}

func TestTheOldestOfManyLoginsEnds(t *testing.T) {
	d := newDirectory()
	account, err := d.signUp("john@acme.com", "John")
	require.NoError(t, err)
	var tokens []string
	for range maxLogins + 1 {
		tokens = append(tokens, d.logIn(account.ID))
	}
	assert.Empty(t, d.user(tokens[0]))
	for _, token := range tokens[1:] {
		assert.Equal(t, account.ID, d.user(token))
	}
	d.logOut(tokens[1])
	assert.Empty(t, d.user(tokens[1]))
	d.remove(account.ID)
	assert.Empty(t, d.logins)
	assert.Empty(t, d.logIn(account.ID))
}

func TestAnEmptyTokenIsNobodys(t *testing.T) {
	d := newDirectory()
	assert.Empty(t, d.user(""))
	d.logOut("")
	account, team := d.lookup("")
	assert.Nil(t, account)
	assert.Nil(t, team)
}

func TestAUserIDSaysNothingOfTheAddress(t *testing.T) {
	d := newDirectory()
	account, err := d.signUp("john@acme.com", "John")
	require.NoError(t, err)
	assert.Regexp(t, `^user_[0-9a-f]{16}$`, account.ID)
}

func TestATeamIDIsReadable(t *testing.T) {
	for name, want := range map[string]string{
		"Acme Corp":                "acme-corp",
		"  --Über Größe 24/7 -- ":  "ber-gr-e-24-7",
		"株式会社":                     "team",
		"!":                        "team",
		strings.Repeat("long ", 9): "long-long-long-long-long",
		strings.Repeat("a", 99):    strings.Repeat("a", 24),
	} {
		assert.Equal(t, want, slug(name), name)
	}
}
