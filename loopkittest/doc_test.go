package loopkittest_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// doc.go: begin

func TestSignUp(t *testing.T) {
	server := loopkittest.NewServer(t)
	client, err := loopkit.New("lk_test", &loopkit.Options{BaseURL: server.BaseURL()})
	if err != nil {
		t.Fatal(err)
	}
	signUp(client, "anon_456", "user_123") // the code under test
	if err := client.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	loopkittest.RequireIdentified(t, server, "user_123", "anon_456")
	loopkittest.RequireTracked(t, server, "user_123", "user_signup")
	loopkittest.RequireNoConflicts(t, server)
}

// doc.go: end

func signUp(client *loopkit.Client, anonymousID, userID string) {
	ctx := loopkit.WithIdentity(context.Background(), loopkit.Identity{AnonymousID: anonymousID})
	_ = client.Track(ctx, "user_signup", loopkit.Properties{"method": "email"})
	_ = client.Identify(ctx, userID, loopkit.Traits{"plan": "trial"})
}

func TestTheCodeInTheDocumentationIsThatOfATest(t *testing.T) {
	read := func(path string) string {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		return strings.ReplaceAll(string(text), "\r\n", "\n")
	}
	_, code, _ := strings.Cut(read("doc_test.go"), "// doc.go: begin\n\n")
	code, _, found := strings.Cut(code, "\n// doc.go: end\n")
	require.True(t, found)
	assert.Contains(t, read("doc.go"), "//\n//\t"+strings.ReplaceAll(strings.TrimSpace(code), "\n", "\n//\t")+"\n//\n")
}
