package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/fielder-care/fielder/shared/config"
)

// configFiles opens a config; "" is this repository's own, or, when fielder runs
// elsewhere, the one that it was built with. name is for people.
func configFiles(dir string) (name string, files fs.FS, err error) {
	if dir == "" {
		if _, err := os.Stat(ownConfig); errors.Is(err, fs.ErrNotExist) {
			return "the built-in config", config.DefaultFiles(), nil
		}
		dir = ownConfig
	}
	files, err = configDir(dir)
	return dir, files, err
}

// loadConfig reads a config that has to be in order; its mistakes are told.
func loadConfig(dir string, errs io.Writer) (b *config.Bundle, name string, err error) {
	name, files, err := configFiles(dir)
	if err != nil {
		return nil, "", err
	}
	b, err = config.Load(files)
	var list config.Errors
	if errors.As(err, &list) {
		fmt.Fprintf(errs, "%s has mistakes:\n", name)
	}
	if err != nil {
		return nil, "", told(err, errs)
	}
	return b, name, nil
}
