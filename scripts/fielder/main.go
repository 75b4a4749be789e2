// Command fielder is Fielder's one tool: it runs the whole system on a laptop,
// plays a recorded day through it, feeds it single posts, explains what it did,
// and imports customers.
//
//	fielder up                          the stack, waiting for posts
//	fielder demo [--once] [--faults]    a recorded day from start to end
//	fielder ingest --platform x FILE... one body through the running stack
//	fielder explain POST_ID             a post's whole story
//	fielder customers import FILE.csv   customers into the running stack
//	fielder rules bundle                the checked config as one JSON document
//	fielder bench                       what it costs in time
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// command is one sub-command.
type command struct {
	usage string
	run   func(ctx context.Context, args []string, out, errs io.Writer) error
}

var commands = map[string]command{
	"up":        {"up [--addr HOST:PORT] [--data DIR] [--accounts FILE]   start the stack and wait for posts", up},
	"demo":      {"demo [--once] [--faults] [--day DIR]                  play a recorded day", demo},
	"ingest":    {"ingest --platform x|facebook|instagram|messenger FILE.json ...   send a platform's body", ingest},
	"explain":   {"explain POST_ID                                        why we did or did not answer", explain},
	"customers": {"customers import FILE.csv                              import customers", customers},
	"rules":     {"rules bundle [DIR]                                     check the config, print it as JSON", rules},
	"bench":     {"bench                                                  benchmarks, with what they mean", bench},
}

var order = []string{"up", "demo", "ingest", "explain", "customers", "rules", "bench"}

// errQuiet ends the program with status 1 after everything was said.
var errQuiet = errors.New("failed")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case err == nil:
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case errors.Is(err, errQuiet):
		os.Exit(1)
	default:
		fmt.Fprintln(os.Stderr, "fielder:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, errs io.Writer) error {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		usage(out)
		return nil
	}
	c, ok := commands[args[0]]
	if !ok {
		usage(errs)
		return fmt.Errorf("unknown command %q", args[0])
	}
	return c.run(ctx, args[1:], out, errs)
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "usage:")
	for _, name := range order {
		fmt.Fprintln(w, "  fielder "+commands[name].usage)
	}
}

// flags makes a flag set that says its errors once, with the command's usage.
func flags(name string, errs io.Writer) *flag.FlagSet {
	f := flag.NewFlagSet("fielder "+name, flag.ContinueOnError)
	f.SetOutput(errs)
	f.Usage = func() {
		fmt.Fprintln(errs, "usage: fielder "+strings.Join(strings.Fields(commands[name].usage), " "))
		f.PrintDefaults()
	}
	return f
}
