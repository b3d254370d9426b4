package main

import (
	"context"
	"net/http"

	"github.com/loopkitai/loopkit-go"
)

func (a *app) createTeam(w http.ResponseWriter, r *http.Request) {
	a.changeTeam(w, r, "team_created", func(userID string) (*team, error) {
		return a.directory.createTeam(userID, r.PostFormValue("name"))
	})
}

func (a *app) joinTeam(w http.ResponseWriter, r *http.Request) {
	a.changeTeam(w, r, "team_joined", func(userID string) (*team, error) {
		return a.directory.joinTeam(userID, r.PostFormValue("team"))
	})
}

// changeTeam makes the user a member of the team that change returns.
func (a *app) changeTeam(w http.ResponseWriter, r *http.Request, event string, change func(userID string) (*team, error)) {
	userID := a.loggedIn(r)
	if userID == "" {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	t, err := change(userID)
	if err != nil {
		a.showProblem(w, r, err)
		return
	}
	_ = a.client.Track(r.Context(), event, loopkit.Properties{"team_id": t.ID})
	a.group(r.Context(), t)
	http.Redirect(w, r, "/app", http.StatusSeeOther)
}

// group tells LoopKit about a team, and that the user of ctx is a member.
func (a *app) group(ctx context.Context, t *team) {
	_ = a.client.Group(ctx, t.ID, loopkit.Traits{"name": t.Name, "plan": t.Plan, "size": len(t.Members)})
}

func (a *app) changePlan(w http.ResponseWriter, r *http.Request) {
	userID, plan := a.loggedIn(r), r.PostFormValue("plan")
	if userID == "" {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	t, err := a.directory.changePlan(userID, plan)
	if err != nil {
		a.showProblem(w, r, err)
		return
	}
	_ = a.client.Track(r.Context(), "plan_changed", loopkit.Properties{"plan": plan})
	_ = a.client.Identify(r.Context(), userID, loopkit.Traits{"plan": plan})
	if t != nil {
		a.group(r.Context(), t)
	}
	http.Redirect(w, r, "/app", http.StatusSeeOther)
}

func (a *app) deleteTeam(w http.ResponseWriter, r *http.Request) {
	userID := a.loggedIn(r)
	if userID == "" {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	}
	t, err := a.directory.ownedTeam(userID)
	if err != nil {
		a.showProblem(w, r, err)
		return
	}
	if _, err := a.client.DeleteGroup(r.Context(), t.ID); err != nil {
		a.showProblem(w, r, deletionProblem(err))
		return
	}
	a.directory.removeTeam(t.ID)
	http.Redirect(w, r, "/app", http.StatusSeeOther)
}
