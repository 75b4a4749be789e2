package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/fielder-care/fielder/shared/config"
)

// rules checks the config and prints it as the one JSON document that AppConfig
// delivers.
func rules(_ context.Context, args []string, out, errs io.Writer) error {
	if len(args) == 0 || args[0] != "bundle" || len(args) > 2 {
		return errors.New("what about rules? fielder rules bundle [DIR]")
	}
	bundle, err := config.Default()
	if len(args) == 2 {
		bundle, err = config.Load(os.DirFS(args[1]))
	}
	var list config.Errors
	if errors.As(err, &list) {
		for _, e := range list {
			fmt.Fprintln(errs, e)
		}
		return errQuiet
	}
	if err != nil {
		return err
	}
	doc, err := config.Encode(bundle)
	if err != nil {
		return err
	}
	_, err = out.Write(append(doc, '\n'))
	return err
}
