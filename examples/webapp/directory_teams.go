package main

import (
	"net/http"
	"slices"
	"strings"
)

// createTeam makes a team whose owner and only member is the user.
func (d *directory) createTeam(userID, name string) (*team, error) {
	name, err := readName(name, "a name for the team")
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	a, err := d.withoutTeam(userID)
	if err != nil {
		return nil, err
	}
	t := &team{Name: name, Plan: a.Plan, Members: []string{userID}}
	for t.ID == "" || d.teams[t.ID] != nil {
		t.ID = slug(name) + "-" + randomHex(2)
	}
	d.teams[t.ID], a.team = t, t
	return t.clone(), nil
}

// joinTeam makes the user a member of a team.
func (d *directory) joinTeam(userID, teamID string) (*team, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a, err := d.withoutTeam(userID)
	if err != nil {
		return nil, err
	}
	t := d.teams[strings.TrimSpace(teamID)]
	if t == nil {
		return nil, refuse(http.StatusNotFound, "No team has this ID. Ask a member: the dashboard shows it.")
	}
	t.Members = append(t.Members, userID)
	a.team = t
	return t.clone(), nil
}

// withoutTeam returns an account that may become a member. The lock is held.
func (d *directory) withoutTeam(userID string) (*record, error) {
	a := d.accounts[userID]
	switch {
	case a == nil:
		return nil, refuse(http.StatusNotFound, "This account is gone.")
	case a.team != nil:
		return nil, refuse(http.StatusConflict, "You are in the team "+a.team.Name+" already.")
	}
	return a, nil
}

// changePlan changes the plan of an account and of its team, which is nil if
// there is none.
func (d *directory) changePlan(userID, plan string) (*team, error) {
	if !slices.Contains(plans, plan) {
		return nil, refuse(http.StatusUnprocessableEntity, "Choose one of the plans.")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.accounts[userID]
	if a == nil {
		return nil, refuse(http.StatusNotFound, "This account is gone.")
	}
	a.Plan = plan
	if a.team != nil {
		a.team.Plan = plan
	}
	return a.team.clone(), nil
}

// ownedTeam returns the team that the user may delete.
func (d *directory) ownedTeam(userID string) (*team, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.accounts[userID]
	switch {
	case a == nil || a.team == nil:
		return nil, refuse(http.StatusNotFound, "You are in no team.")
	case a.team.Members[0] != userID:
		return nil, refuse(http.StatusForbidden, "Only its owner may delete a team.")
	}
	return a.team.clone(), nil
}

// removeTeam forgets a team. Its members stay.
func (d *directory) removeTeam(teamID string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.teams[teamID]
	if t == nil {
		return
	}
	for _, id := range t.Members {
		d.accounts[id].team = nil
	}
	delete(d.teams, teamID)
}

// slug is a name in letters that need no escaping in a URL.
func slug(name string) string {
	const longest = 24
	var b strings.Builder
	for _, word := range strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}) {
		if b.Len() > 0 {
			b.WriteByte('-')
		}
		b.WriteString(word)
	}
	text := b.String()
	if len(text) > longest {
		text = strings.Trim(text[:longest], "-")
	}
	if text == "" {
		return "team"
	}
	return text
}
