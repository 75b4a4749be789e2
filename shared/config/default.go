package config

import (
	"embed"
	"fmt"
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
var Default = sync.OnceValue(func() *Bundle {
	b, err := Load(DefaultFiles())
	if err != nil {
		panic(fmt.Sprintf("the built-in files are wrong:\n%v", err))
	}
	return b
})
