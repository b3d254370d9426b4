// Package sample holds one declaration of each form that a snapshot shows.
package sample

import (
	"context"
	"errors"
	"strings"

	"example.com/sample/internal/hidden"
)

const Untyped = "text"

type Level uint8

const (
	Low  Level = iota
	High       // its type and value are implied
)

const unexported = 1

var (
	ErrInferred = errors.New("sample: inferred")
	Stated      map[string]Level
)

var internal = unexported

func Call(ctx context.Context, name string, levels ...Level) (ok bool, err error) {
	return internal == 1, nil
}

func Map[K comparable, V any](m map[K]V) []V { return nil }

func call() {}

type Options struct {
	base
	strings.Builder
	Name   string
	Choose func(Level) error
	secret string
}

type base struct {
	Promoted int
}

func (b *base) FromBase() { call() }

func (o Options) ByValue() string     { return o.secret }
func (o *Options) ByPointer(_ int)    {}
func (o *Options) notExported()       {}
func (l Level) String() (text string) { return "" }

type List[T any] struct{ Items []T }

func (l *List[T]) Add(item T) {}

type Store interface {
	Load(key string) (value []byte, err error)
	Closer
}

type Closer interface{ Close() error }

type Sealed interface{ seal() }

type Number interface{ ~int | ~float64 }

type Handler func(ctx context.Context, level Level) error

type Hidden = hidden.Type

type Text = string
