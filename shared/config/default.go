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
func Default() (*Bundle, error) { return parsed() }

var parsed = sync.OnceValues(func() (*Bundle, error) { return Load(DefaultFiles()) })
