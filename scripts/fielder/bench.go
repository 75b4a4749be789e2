package main

import (
	"context"
	"io"
)

func bench(ctx context.Context, args []string, out, errs io.Writer) error {
	return benchStarts(ctx, 60, out)
}
