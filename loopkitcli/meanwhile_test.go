package loopkitcli_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkitcli"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestNothingIsSentAfterTheUserSaidNoInAnotherTerminal(t *testing.T) {
	for name, client := range map[string]func(*installation){
		"with the client's own transport": func(*installation) {},
		"with the program's":              func(i *installation) { i.options.Client.HTTPClient = i.server.HTTPClient() },
	} {
		t.Run(name, func(t *testing.T) {
			i := agreed(t)
			client(i)
			run := i.began("serve")
			require.NoError(t, run.Session().Track(t.Context(), "before", nil))
			require.NoError(t, run.Client().Flush(t.Context()))
			require.Len(t, i.server.Messages(), 1)

			i.say("off")
			require.NoError(t, run.Session().Track(t.Context(), "after", nil))
			require.NoError(t, run.Client().Flush(t.Context()), "it is dropped")
			require.NoError(t, run.Session().Track(t.Context(), "long after", nil))
			require.NoError(t, run.Login(t.Context(), "user_123", nil))
			assert.EqualValues(t, 2, run.Client().Stats().Withheld)
			run.Finish(0)
			assert.Len(t, i.server.Requests(), 1)
			assert.Equal(t, []string{"choice"}, i.files(), "and nothing of them is kept")
		})
	}
}

func TestADeletionIsSentAlsoAfterTheUserSaidNo(t *testing.T) {
	i := agreed(t)
	i.options.Client.DeletionQuarantine = -1
	run := i.began("delete-account")
	i.say("off")
	deletion, err := run.Client().DeleteUser(t.Context(), "user_123")
	require.NoError(t, err)
	require.NoError(t, deletion.Wait(t.Context()))
	run.Finish(0)
	require.Len(t, i.server.Messages(), 1)
	assert.Equal(t, loopkittest.KindDeleteUser, i.server.Messages()[0].Kind)
}

func TestARunThatStartsAfterANoHasNoClient(t *testing.T) {
	i := agreed(t)
	run := i.run()
	i.say("off") // between New and Start
	run.Start("serve")
	assert.Nil(t, run.Client())
	assert.Equal(t, loopkitcli.Off, run.Decision().Mode)
	run.Finish(0)
	assert.Empty(t, i.server.Requests())
	assert.Equal(t, []string{"choice"}, i.files())
}

func TestARunThatBeganUnderANoIsNotTrackedAfterAYesInAnotherTerminal(t *testing.T) {
	for name, prepare := range map[string]func(*installation){
		"a no":    func(i *installation) { i.say("off") },
		"no word": func(*installation) {},
	} {
		i := install(t)
		prepare(i)
		run := i.run()
		run.Start("deploy")
		i.say("on")
		run.Finish(0)
		assert.Empty(t, i.server.Requests(), name)
	}
}

func TestWhoSaidNoIsNotTrackedAfterAYesEither(t *testing.T) {
	i := agreed(t)
	run := i.began("serve")
	i.say("off")
	require.NoError(t, run.Login(t.Context(), "user_123", loopkit.Traits{"plan": "trial"}))
	i.say("on")
	run.Finish(0)
	assert.Empty(t, i.server.Requests(), "the run has heard the no")
}
