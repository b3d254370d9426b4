package main

import (
	"cmp"
	"context"

	"github.com/loopkitai/loopkit-go"
)

// sendToLoopKit runs the journey against LoopKit and prints what was delivered.
func sendToLoopKit(ctx context.Context, p *printer, key, baseURL string) error {
	baseURL = cmp.Or(baseURL, loopkit.DefaultURL)
	p.printf("The user journey of LoopKit's documentation, sent to %s\n", baseURL)
	stats, err := travel(ctx, key, baseURL)
	p.section("The client's accounting")
	p.stats(stats)
	return err
}
