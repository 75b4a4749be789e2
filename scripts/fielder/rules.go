package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/fielder-care/fielder/shared/config"
)

// rules checks the config and prints it as the one JSON document that AppConfig
// delivers.
func rules(_ context.Context, args []string, out, errs io.Writer) error {
	f := flags("rules", errs)
	if err := parse(f, args); err != nil {
		return err
	}
	if f.NArg() == 0 || f.Arg(0) != "bundle" {
		return misuse("what about rules? fielder rules bundle [DIR]")
	}
	if err := parse(f, f.Args()[1:]); err != nil {
		return err
	}
	if f.NArg() > 1 {
		return misuse("rules bundle takes one directory, got " + strings.Join(f.Args(), " "))
	}
	bundle, err := config.Default()
	if dir := f.Arg(0); dir != "" {
		info, gone := os.Stat(dir)
		if gone != nil {
			return gone
		}
		if !info.IsDir() {
			return fmt.Errorf("%s is a file; the config is a directory of six YAML files, as in shared/config/default", dir)
		}
		bundle, err = config.Load(os.DirFS(dir))
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
