package main

import (
	"context"
	"errors"
	"io"
)

func bench(context.Context, []string, io.Writer, io.Writer) error {
	return errors.New("run `make bench`")
}
