// Command fielder is Fielder's one tool: it runs the whole system on a laptop,
// plays a recorded day through it, feeds it single posts, explains what it did,
// and imports customers.
//
//	fielder up                          the stack, waiting for posts
//	fielder demo [--once] [--faults]    a recorded day from start to end
//	fielder ingest --platform x FILE... one body through the running stack
//	fielder explain POST_ID             a post's whole story
//	fielder customers import FILE.csv   customers into the running stack
//	fielder rules ...                   the config that business users own
//	fielder drafts [approve|reject ...] answers that wait for an agent
//	fielder stories [NAME ...]          the scenario suite, with transcripts
//	fielder bench                       what it costs in time
//	fielder triage classify|eval        what posts are, and how well we see it
//	fielder train --data DIR            the models that triage has built in
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// usages says how each sub-command is called, in the order of the help.
var usages = []struct{ name, args, does string }{
	{"up", "[--config DIR] [--addr HOST:PORT] [--data DIR] [--accounts FILE]", "start the stack and wait for posts"},
	{"demo", "[--once] [--faults] [--day DIR] [--config DIR]", "play a recorded day"},
	{"ingest", "--platform x|facebook|instagram|messenger FILE.json ...", "send a platform's body"},
	{"explain", "POST_ID", "why we did or did not answer"},
	{"customers", "import [--region CC] FILE.csv", "import customers"},
	{"rules bundle", "[DIR]", "check the config, print it as JSON"},
	{"rules check", "[DIR] [--json]", "every error and warning, with its place"},
	{"rules test", "[DIR] [--run REGEXP] [--json]", "run the tests that the config holds"},
	{"rules try", "--platform P --text TEXT [--customer ID] [--at TIME] ...", "what the rules do with a post, and why"},
	{"rules replay", "[--since 30d] [--config DIR] [--against DIR] ...", "what a draft would have changed"},
	{"rules explain", "POST_ID [--config DIR] [--stage NAME]", "why we did or did not answer, the decision alone"},
	{"rules push", "[DIR] [--stage NAME] [--describe TEXT] [--wait]", "roll the config out"},
	{"rules status", "[--stage NAME] [--json]", "what is deployed, what rolls out"},
	{"rules rollback", "[--stage NAME] [--to LABEL|NUMBER]", "take the last roll-out back"},
	{"drafts", "[list [--queue NAME] | approve POST_ID [--text TEXT] | reject POST_ID --reason TEXT] [--as NAME]", "answers that wait for an agent"},
	{"stories", "[--dir DIR] [--faults SEED] [--list] [--verbs] [NAME ...]", "tell the scenario suite, with transcripts"},
	{"bench", "[--only steps|starts|chain|replay] [--posts N] ...", "benchmarks, with what they mean"},
	{"triage classify", "[--brand FILE] < POSTS.jsonl", "what each post is"},
	{"triage eval", "--data FILE --task NAME [--brand FILE] [--json]", "how well one signal is seen, on labelled posts"},
	{"train", "--data DIR [--out DIR]", "make the models of triage anew"},
}

// command finds a sub-command.
func command(name string) func(ctx context.Context, args []string, out, errs io.Writer) error {
	switch name {
	case "up":
		return up
	case "demo":
		return demo
	case "ingest":
		return ingest
	case "explain":
		return explain
	case "customers":
		return customers
	case "rules":
		return rules
	case "drafts":
		return draftCommand
	case "stories":
		return stories
	case "bench":
		return bench
	case "triage":
		return triageCommand
	case "train":
		return trainCommand
	}
	return nil
}

// errQuiet ends the program with status 1 after everything was said.
var errQuiet = errors.New("failed")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	err = interrupted(ctx, err)
	stop()
	os.Exit(status(err, os.Stderr))
}

// interrupted is what a command's error means when somebody pressed Ctrl-C: that,
// and not what it kept a library from doing.
func interrupted(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil || errors.Is(err, errQuiet) {
		return err
	}
	return errors.New("stopped before it was done")
}

// status is the exit status for a command's error, which is told unless that was
// done: 0 done, 1 failed, 2 called wrongly.
func status(err error, errs io.Writer) int {
	var wrong misuse
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errQuiet):
		return 1
	case errors.As(err, &wrong):
		if wrong != "" {
			fmt.Fprintln(errs, "fielder:", wrong)
		}
		return 2
	}
	fmt.Fprintln(errs, "fielder:", err)
	return 1
}

// misuse is the error of a command that was called wrongly; "" when the flag
// package has told already.
type misuse string

func (m misuse) Error() string { return string(m) }

func run(ctx context.Context, args []string, out, errs io.Writer) error {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		usage(out)
		return nil
	}
	c := command(args[0])
	if c == nil {
		usage(errs)
		return misuse(fmt.Sprintf("unknown command %q", args[0]))
	}
	return c(ctx, args[1:], out, errs)
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "usage:")
	for _, u := range usages {
		printUsage(w, u.name+" "+u.args, u.does)
	}
}

func printUsage(w io.Writer, call, does string) {
	const width = 68
	if len(call) > width { // what it does stands below, where it does for the others
		fmt.Fprintf(w, "  fielder %s\n", call)
		fmt.Fprintf(w, "%*s%s\n", len("  fielder ")+width+1, "", does)
		return
	}
	fmt.Fprintf(w, "  fielder %-*s %s\n", width, call, does)
}

// flags makes a flag set that says its errors once, with the command's usage.
func flags(name string, errs io.Writer) *flag.FlagSet {
	f := flag.NewFlagSet("fielder "+name, flag.ContinueOnError)
	f.SetOutput(errs)
	f.Usage = func() {
		for _, u := range usages {
			if u.name == name {
				fmt.Fprintf(errs, "usage: fielder %s %s\n", u.name, u.args)
			}
		}
		f.PrintDefaults()
	}
	return f
}

// parse reads flags; what is wrong with them is told already.
func parse(f *flag.FlagSet, args []string) error {
	err := f.Parse(args)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		return misuse("")
	}
	return err
}
