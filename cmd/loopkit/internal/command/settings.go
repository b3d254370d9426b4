package command

import (
	"errors"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/loopkitai/loopkit-go"
)

// The environment variables that stand for flags.
const (
	envKey     = "LOOPKIT_API_KEY"
	envKeyFile = "LOOPKIT_API_KEY_FILE"
	envBaseURL = "LOOPKIT_BASE_URL"
	envDialect = "LOOPKIT_DIALECT"
)

// globalFlags are those of every command. The key is none of them: other users
// of the machine can read a process's arguments, and the shell keeps them.
type globalFlags struct {
	baseURL string
	dialect string
	keyFile string
	verbose bool
}

func (f *globalFlags) register(root *cobra.Command) {
	flags := root.PersistentFlags()
	flags.StringVar(&f.baseURL, "base-url", "", "address of the API, a `URL` (default $"+envBaseURL+" or "+loopkit.DefaultURL+")")
	flags.StringVar(&f.dialect, "dialect", "", "`form` of request bodies: auto, objects or envelopes (default $"+envDialect+" or auto)")
	flags.StringVar(&f.keyFile, "api-key-file", "", "`file` with the API key (default $"+envKey+", or the file $"+envKeyFile+")")
	flags.BoolVar(&f.verbose, "verbose", false, "log what the client does to stderr")
	mustComplete(root, "dialect", dialectNames)
}

var dialectNames = []string{"auto", "objects", "envelopes"}

// settings are what the flags, the environment and the key's file say together.
type settings struct {
	key     string // never printed
	keyFrom string // where the key is from, such as "LOOPKIT_API_KEY"

	baseURL     string
	baseURLFrom string

	dialect loopkit.Dialect

	logger *slog.Logger
}

// settings returns everything that a client needs, and an error without a key.
func (p *program) settings() (settings, error) {
	s, err := p.settingsWithoutKey()
	if err != nil {
		return s, err
	}
	s.key, s.keyFrom, err = p.key()
	if err != nil {
		return s, err
	}
	if s.key == "" {
		return s, usageError("no API key: set " + envKey + ", or name a file that holds it with --api-key-file or " + envKeyFile +
			` (for "loopkit dev" any key will do, such as lk_dev)`)
	}
	return s, nil
}

// settingsWithoutKey is for what sends nothing to LoopKit.
func (p *program) settingsWithoutKey() (settings, error) {
	s := settings{logger: slog.New(noticeHandler{p, []string{"plain_http", "foreign_answer"}})}
	if p.global.verbose {
		s.logger = slog.New(slog.NewTextHandler(p.err, nil))
	}
	s.baseURL, s.baseURLFrom = p.address()
	var err error
	s.dialect, err = p.dialect()
	return s, err
}

// options returns new options of a client, for the caller to extend. What is
// sent is what somebody typed or has in a file, so personal data is no news.
func (s settings) options() *loopkit.Options {
	return &loopkit.Options{BaseURL: s.baseURL, Dialect: s.dialect, Logger: s.logger}
}

func (p *program) address() (url, from string) {
	if p.global.baseURL != "" {
		return p.global.baseURL, "--base-url"
	}
	if url := p.getenv(envBaseURL); url != "" {
		return url, envBaseURL
	}
	return loopkit.DefaultURL, "the default"
}

func (p *program) dialect() (loopkit.Dialect, error) {
	name, from := p.global.dialect, "--dialect"
	if name == "" {
		name, from = p.getenv(envDialect), envDialect
	}
	switch name {
	case "", "auto":
		return loopkit.DialectAuto, nil
	case "objects":
		return loopkit.DialectObjects, nil
	case "envelopes":
		return loopkit.DialectEnvelopes, nil
	}
	return 0, usageErrorf("%s is %q; it must be %s", from, name, alternatives(dialectNames))
}

// mustComplete names the values of a flag to the shell.
func mustComplete(cmd *cobra.Command, flag string, values []string) {
	err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(errors.Join(errors.New("a flag is completed that does not exist"), err))
	}
}
