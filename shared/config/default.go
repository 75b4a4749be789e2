package config

import (
	"embed"
	"io/fs"
	"sync"
)

//go:embed default/*.yaml
var defaults embed.FS

// DefaultFiles are the files of the made-up brand Veloria, to start from.
func DefaultFiles() fs.FS {
	dir, err := fs.Sub(defaults, "default")
	if err != nil {
		panic(err) // the name is a constant
	}
	return dir
}

// Default is the bundle of DefaultFiles, for tests, tools and the demo. It is
// parsed once; nobody may change it.
func Default() (*Bundle, error) {
	standard.once.Do(func() { standard.bundle, standard.err = Load(DefaultFiles()) })
	return standard.bundle, standard.err
}

// standard is no sync.OnceValues: as an initialiser that would link the YAML
// parser, and the files, into every function. So only what the library does at the
// start is in there: 0.15 ms, 12 KB.
var standard struct {
	once   sync.Once
	bundle *Bundle
	err    error
}
