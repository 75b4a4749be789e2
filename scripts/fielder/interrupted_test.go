package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestInterrupted: Ctrl-C is what is told, whatever it broke; what was told
// already, and what was wrong before, stay as they are.
func TestInterrupted(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for _, r := range []struct {
		name string
		ctx  context.Context
		err  error
		says string
	}{
		{"done", stopped, nil, ""},
		{"a call that was broken off", stopped, fmt.Errorf("operation error AppConfig: %w", context.Canceled), "fielder: stopped before it was done\n"},
		{"told already", stopped, errQuiet, ""},
		{"nobody pressed it", t.Context(), errors.New("no stack is running here"), "fielder: no stack is running here\n"},
	} {
		t.Run(r.name, func(t *testing.T) {
			var told strings.Builder
			code := status(interrupted(r.ctx, r.err), &told)
			if told.String() != r.says || (code == 0) != (r.err == nil) {
				t.Errorf("status %d and %q, want %q", code, told.String(), r.says)
			}
		})
	}
}
