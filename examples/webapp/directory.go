package main

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Bounds of a demo, which anybody may fill.
const (
	maxAccounts  = 1000
	maxLogins    = 8 // of one account; the oldest ends first
	maxTextBytes = 254
)

// plans are what an account can pay for.
var plans = []string{"trial", "pro", "enterprise"}

type account struct {
	ID      string // random: an ID made of the address would be personal data
	Email   string
	Name    string
	Plan    string
	Created time.Time
}

type team struct {
	ID      string
	Name    string
	Plan    string
	Members []string // user IDs; the first one owns the team
}

func (t *team) clone() *team {
	if t == nil {
		return nil
	}
	out := *t
	out.Members = slices.Clone(t.Members)
	return &out
}

// refusal is an error for the person at the form.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

func refuse(status int, text string) error { return &refusal{status, text} }

// directory is all accounts, logins and teams, in memory. It stands for the
// database of a real application. What it returns are copies.
type directory struct {
	mu       sync.Mutex
	accounts map[string]*record // by user ID
	emails   map[string]string  // to user ID
	logins   map[string]string  // token to user ID
	teams    map[string]*team
}

type record struct {
	account
	tokens []string
	team   *team
}

func newDirectory() *directory {
	return &directory{
		accounts: make(map[string]*record),
		emails:   make(map[string]string),
		logins:   make(map[string]string),
		teams:    make(map[string]*team),
	}
}

// signUp makes an account.
func (d *directory) signUp(email, name string) (account, error) {
	email, err := readEmail(email)
	if err != nil {
		return account{}, err
	}
	name, err = readName(name, "your name")
	if err != nil {
		return account{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.emails[email] != "" {
		return account{}, refuse(http.StatusConflict, "This address has an account. Log in instead.")
	}
	if len(d.accounts) >= maxAccounts {
		return account{}, refuse(http.StatusServiceUnavailable, "This demo has no room for more accounts. Start it again to empty it.")
	}
	a := &record{account: account{
		ID:      "user_" + randomHex(8),
		Email:   email,
		Name:    name,
		Plan:    plans[0],
		Created: time.Now().UTC(),
	}}
	d.accounts[a.ID], d.emails[email] = a, a.ID
	return a.account, nil
}

// find returns the account of an address.
func (d *directory) find(email string) (account, error) {
	email, err := readEmail(email)
	if err != nil {
		return account{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.accounts[d.emails[email]]
	if a == nil {
		return account{}, refuse(http.StatusNotFound, "No account has this address. Start a trial instead.")
	}
	return a.account, nil
}

// lookup returns an account and its team; both are nil if there is none.
func (d *directory) lookup(userID string) (*account, *team) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.accounts[userID]
	if a == nil {
		return nil, nil
	}
	out := a.account
	return &out, a.team.clone()
}

// logIn returns a token that stands for the user until logOut.
func (d *directory) logIn(userID string) (token string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.accounts[userID]
	if a == nil {
		return ""
	}
	token = rand.Text()
	if len(a.tokens) == maxLogins {
		delete(d.logins, a.tokens[0])
		a.tokens = slices.Delete(a.tokens, 0, 1)
	}
	a.tokens = append(a.tokens, token)
	d.logins[token] = userID
	return token
}

// user returns who is logged in with a token; "" if nobody is.
func (d *directory) user(token string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.logins[token]
}

func (d *directory) logOut(token string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if a := d.accounts[d.logins[token]]; a != nil {
		a.tokens = slices.DeleteFunc(a.tokens, func(t string) bool { return t == token })
	}
	delete(d.logins, token)
}

// remove forgets an account, its logins and its membership. Nothing of it is
// kept: who signs up with the address again is a new user.
func (d *directory) remove(userID string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.accounts[userID]
	if a == nil {
		return
	}
	for _, token := range a.tokens {
		delete(d.logins, token)
	}
	if a.team != nil {
		a.team.Members = slices.DeleteFunc(a.team.Members, func(id string) bool { return id == userID })
		if len(a.team.Members) == 0 {
			delete(d.teams, a.team.ID)
		}
	}
	delete(d.emails, a.Email)
	delete(d.accounts, userID)
}

func readEmail(text string) (string, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	address, err := mail.ParseAddress(text)
	if err != nil || address.Address != text || len(text) > maxTextBytes {
		return "", refuse(http.StatusUnprocessableEntity, "Give an address such as john@acme.com.")
	}
	return text, nil
}

func readName(text, what string) (string, error) {
	text = strings.Join(strings.Fields(text), " ")
	if text == "" || len(text) > maxTextBytes || !utf8.ValidString(text) {
		return "", refuse(http.StatusUnprocessableEntity, "Give "+what+", in at most 250 letters.")
	}
	return text, nil
}

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
