package command

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/doctor"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestDoctorPrintsALineForEachCheckAndAFixWhereOneIsDue(t *testing.T) {
	server := loopkittest.NewServer(t)
	shell := shellWith(t, server)
	r := shell.run("doctor", "--probe")
	assert.Zero(t, r.status, r.out)
	assert.Contains(t, r.out, "✓ key               from LOOPKIT_API_KEY, 14 characters\n")
	assert.Contains(t, r.out, "✓ probe identifies  takes the key\n")

	assert.NotContains(t, r.out, "not tried")

	r = shell.run("doctor")
	assert.Zero(t, r.status, "what was not tried is no fault")
	assert.Contains(t, r.out, "· probe       the key was not tried\n              → loopkit doctor --probe asks each endpoint whether it takes it\n")

	server.FailAll(loopkittest.Identifies, loopkittest.Fault{Status: 403})
	r = shell.run("doctor", "--probe")
	assert.Equal(t, statusFailed, r.status)
	assert.Contains(t, r.out, "✗ probe identifies  POST /identifies answered 403 Forbidden")
	assert.Contains(t, r.out, "                    → give the key the permission in LoopKit: \"Verify API key has identify permissions\"")
	assert.Empty(t, r.err)

	shell.terminal = true
	assert.Contains(t, shell.run("doctor").out, "\x1b[32m✓\x1b[0m")
}

func TestDoctorPrintsItsFindingsAsJSON(t *testing.T) {
	shell := &world{t: t, env: map[string]string{envBaseURL: loopkittest.NewServer(t).BaseURL()}}
	r := shell.run("doctor", "--json")
	assert.Equal(t, statusFailed, r.status)
	var findings []doctor.Finding
	require.NoError(t, json.Unmarshal([]byte(r.out), &findings))
	assert.Equal(t, "key", findings[0].Check)
	assert.Equal(t, doctor.Failed, findings[0].Status)
	assert.Contains(t, findings[0].Fix, "set LOOPKIT_API_KEY")
	assert.Contains(t, r.out, `"status":"failed"`)
	assert.Contains(t, shellWith(t, loopkittest.NewServer(t)).run("doctor", "--json").out, `"status":"skipped"`)
}

func TestDoctorExplainsAKeyFileThatIsNotThere(t *testing.T) {
	shell := shellWith(t, loopkittest.NewServer(t))
	r := shell.run("doctor", "--api-key-file", "missing.key")
	assert.Equal(t, statusFailed, r.status)
	assert.Contains(t, r.out, "✗ key")
	assert.Contains(t, r.out, "missing.key")
}

func TestDoctorRefusesAWrongUse(t *testing.T) {
	shell := shellWith(t, loopkittest.NewServer(t))
	for _, args := range [][]string{{"--timeout", "0"}, {"--dialect", "both"}, {"now"}} {
		assert.Equal(t, statusUsage, shell.run(append([]string{"doctor"}, args...)...).status)
	}
}
