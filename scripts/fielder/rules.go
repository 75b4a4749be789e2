package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/fielder-care/fielder/shared/config"
)

// ownConfig is the config of this repository: what the commands read when they
// are run from its root and given no other.
const ownConfig = "shared/config/default"

// rulesCommand finds a sub-command of rules; each has a file rules_<name>.go.
func rulesCommand(name string) func(ctx context.Context, args []string, out, errs io.Writer) error {
	switch name {
	case "bundle":
		return rulesBundle
	case "check":
		return rulesCheck
	case "test":
		return rulesTest
	case "try":
		return rulesTry
	case "replay":
		return rulesReplay
	case "explain":
		return rulesExplain
	case "push":
		return rulesPush
	case "status":
		return rulesStatus
	case "rollback":
		return rulesRollback
	}
	return nil
}

// rules is what business users do with the config that they own.
func rules(ctx context.Context, args []string, out, errs io.Writer) error {
	var names []string
	for _, u := range usages {
		if _, name, ok := strings.Cut(u.name, " "); ok && strings.HasPrefix(u.name, "rules ") {
			names = append(names, name)
		}
	}
	help := len(args) > 0 && slices.Contains([]string{"help", "-h", "-help", "--help"}, args[0])
	if len(args) == 0 || help {
		fmt.Fprintln(errs, "usage:")
		for _, u := range usages {
			if strings.HasPrefix(u.name, "rules ") {
				printUsage(errs, u.name+" "+u.args, u.does)
			}
		}
		if help {
			return nil
		}
		return misuse("what about rules? One of " + strings.Join(names, ", "))
	}
	c := rulesCommand(args[0])
	if c == nil {
		return misuse(fmt.Sprintf("rules has no command %q; it has %s", args[0], strings.Join(names, ", ")))
	}
	return c(ctx, args[1:], out, errs)
}

// rulesBundle checks the config and prints it as the one JSON document that
// AppConfig delivers.
func rulesBundle(_ context.Context, args []string, out, errs io.Writer) error {
	dir, err := parseDir(flags("rules bundle", errs), args)
	if err != nil {
		return err
	}
	bundle, err := config.Default()
	if dir != "" {
		var files fs.FS
		if files, err = configDir(dir); err != nil {
			return err
		}
		bundle, err = config.Load(files)
	}
	if err != nil {
		return told(err, errs)
	}
	doc, err := config.Encode(bundle)
	if err != nil {
		return err
	}
	_, err = out.Write(append(doc, '\n'))
	return err
}

// parseDir reads the flags of a command that takes one directory, which may stand
// before, between or after them; "" when none is given.
func parseDir(f *flag.FlagSet, args []string) (dir string, err error) {
	return parseOne(f, args, "directory")
}

// parseOne is parseDir for any other argument.
func parseOne(f *flag.FlagSet, args []string, what string) (arg string, err error) {
	for {
		if err := parse(f, args); err != nil {
			return "", err
		}
		switch args = f.Args(); {
		case len(args) == 0:
			return arg, nil
		case arg != "":
			return "", misuse(fmt.Sprintf("%s takes one %s, got %s and %s", strings.TrimPrefix(f.Name(), "fielder "), what, arg, args[0]))
		}
		arg, args = args[0], args[1:]
	}
}

// configDir opens a directory of the six files.
func configDir(dir string) (fs.FS, error) {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no directory %s; the config is a directory of six YAML files, as in %s", dir, ownConfig)
	}
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is a file; the config is a directory of six YAML files, as in %s", dir, ownConfig)
	}
	return os.DirFS(dir), nil
}

// told prints a config's mistakes, one per line, and leaves only the exit status
// to be said; any other error stays as it is.
func told(err error, errs io.Writer) error {
	var list config.Errors
	if !errors.As(err, &list) {
		return err
	}
	for _, e := range list {
		fmt.Fprintln(errs, e)
	}
	return errQuiet
}
