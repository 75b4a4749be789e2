package main

import (
	"errors"
	"io/fs"
	"os"

	"github.com/fielder-care/fielder/shared/app/validate"
	"github.com/fielder-care/fielder/shared/config"
	"github.com/fielder-care/fielder/shared/reply"
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
