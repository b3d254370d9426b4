package command

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
)

// key returns "" if there is none anywhere.
func (p *program) key() (key, from string, err error) {
	if p.global.keyFile != "" {
		key, err = p.keyOf(p.global.keyFile)
		return key, p.global.keyFile, err
	}
	if key := p.getenv(envKey); key != "" {
		return key, envKey, nil
	}
	if name := p.getenv(envKeyFile); name != "" {
		key, err = p.keyOf(name)
		return key, name, err
	}
	return "", "", nil
}

// maxKeyFileBytes is far beyond any key.
const maxKeyFileBytes = 64 << 10

func (p *program) keyOf(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", usageErrorf("the API key's file: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(file, maxKeyFileBytes+1))
	if err != nil {
		return "", failed(fmt.Errorf("the API key's file: %w", err))
	}
	key := strings.TrimSpace(strings.TrimPrefix(string(text), "\ufeff"))
	switch {
	case strings.HasPrefix(key, "\xff\xfe"), strings.HasPrefix(key, "\xfe\xff"):
		return "", usageErrorf("the API key's file %s is UTF-16; save it as UTF-8", name)
	case key == "" || len(text) > maxKeyFileBytes:
		return "", usageErrorf("the API key's file %s must hold the key and nothing else", name)
	case strings.HasPrefix(key, envKey+"="), strings.HasPrefix(key, "export "):
		return "", usageErrorf("the API key's file %s must hold the key alone, without the name of a variable", name)
	}
	if runtime.GOOS != "windows" { // which has no such permissions
		p.warnIfExposed(file)
	}
	return key, nil
}

func (p *program) warnIfExposed(file *os.File) {
	const byOthers = 0o044
	info, err := file.Stat()
	if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&byOthers != 0 {
		p.warn("other users can read the API key's file %s: chmod 600 %s", file.Name(), file.Name())
	}
}
