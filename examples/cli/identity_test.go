package main

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkittest"
)

// people are who the events of n runs are about, in order.
func (m *machine) people(n int) (anonymous, users []string) {
	m.t.Helper()
	events := m.runs(n)
	require.Len(m.t, events, n)
	for _, e := range events {
		anonymous, users = append(anonymous, e.AnonymousID), append(users, e.UserID)
	}
	return anonymous, users
}

func TestTwoRunsHaveOneAnonymousID(t *testing.T) {
	m := agreed(t)
	m.does("add", "Buy milk")
	m.does("list")
	ids, users := m.people(2)
	assert.Regexp(t, "^anon_", ids[0])
	assert.Equal(t, ids[0], ids[1])
	assert.Equal(t, []string{"", ""}, users)
	loopkittest.RequireAnonymous(t, m.server, ids[0])
}

func TestALoginTiesWhatWasDoneBeforeToTheUser(t *testing.T) {
	m := agreed(t)
	m.does("add", "Buy milk")
	m.does("login", "user_123")
	m.does("list")
	require.Equal(t, 1, m.run("done", "2").code)
	ids, users := m.people(4)
	assert.Equal(t, []string{"", "user_123", "user_123", "user_123"}, users)
	person := loopkittest.RequireIdentified(t, m.server, "user_123", ids[0])
	assert.Len(t, person.Events, 4)
	loopkittest.RequireNoConflicts(t, m.server)
}

func TestALogoutBeginsWithANewAnonymousID(t *testing.T) {
	m := agreed(t)
	m.does("login", "user_123")
	m.does("logout")
	m.does("list")
	ids, users := m.people(3)
	assert.Equal(t, []string{"user_123", "", ""}, users)
	assert.NotEqual(t, ids[0], ids[1])
	assert.Equal(t, ids[1], ids[2])
	loopkittest.RequireIdentified(t, m.server, "user_123", ids[0])
	loopkittest.RequireAnonymous(t, m.server, ids[1])
}

func TestTwoUsersOfOneMachineAreNeverMerged(t *testing.T) {
	for name, between := range map[string][]string{"with a logout": {"logout"}, "without": {"list"}} {
		t.Run(name, func(t *testing.T) {
			m := agreed(t)
			m.does("add", "Buy milk")
			m.does("login", "user_123")
			m.does(between...)
			m.does("login", "user_456")
			m.does("list")
			ids, users := m.people(5)
			assert.Equal(t, []string{"user_456", "user_456"}, users[3:])
			assert.NotContains(t, ids[:2], ids[3])
			loopkittest.RequireIdentified(t, m.server, "user_123", ids[0])
			loopkittest.RequireIdentified(t, m.server, "user_456", ids[4])
			loopkittest.RequireNoConflicts(t, m.server)
		})
	}
}

// The program itself knows the user, whatever its telemetry did at the login.
func TestWhoAgreesAfterTheLoginIsTheUser(t *testing.T) {
	m := install(t)
	m.does("login", "user_123")
	m.does("telemetry", "on")
	m.does("list")
	_, users := m.people(1)
	assert.Equal(t, []string{"user_123"}, users)
	loopkittest.RequireIdentified(t, m.server, "user_123", m.status().AnonymousID)
}

func TestTheOrderOfPeopleOutlivesAnOutage(t *testing.T) {
	m := agreed(t)
	m.down()
	m.does("add", "Buy milk")
	m.does("login", "user_123")
	m.does("logout")
	m.does("login", "user_456")
	require.Empty(t, m.server.Messages())
	m.server.Heal()
	ids, users := m.people(4)
	assert.Equal(t, []string{"", "user_123", "", "user_456"}, users)
	loopkittest.RequireIdentified(t, m.server, "user_123", ids[0])
	loopkittest.RequireIdentified(t, m.server, "user_456", ids[3])
	loopkittest.RequireNoConflicts(t, m.server)
}

func TestARunThatOutlivesALogoutBelongsToWhoBeganIt(t *testing.T) {
	m := agreed(t)
	m.down()
	m.does("login", "user_123")
	m.server.Heal()
	end := m.hold("add")
	m.await(func() bool { return len(m.ended()) == 1 }, "the run does not send what waits")
	m.does("logout")
	m.does("login", "user_456")
	end("Buy milk")
	m.does("list")
	who := map[string]string{}
	for _, e := range m.runs(5) {
		who[e.UserID] += " " + fmt.Sprint(e.Values["command"])
	}
	assert.Equal(t, map[string]string{"user_123": " login add", "": " logout", "user_456": " login list"}, who)
	loopkittest.RequireNoConflicts(t, m.server)
}
