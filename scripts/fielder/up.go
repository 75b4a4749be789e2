package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/fielder-care/fielder/scripts/local/clock"
)

// up starts the stack and waits for posts.
func up(ctx context.Context, args []string, out, errs io.Writer) error {
	f := flags("up", errs)
	addr := f.String("addr", "", "address of the stack (default 127.0.0.1:4747)")
	pages := f.String("pages", "", "address of the stand-ins (default "+standinAddr+")")
	data := f.String("data", "", "directory in which data survives a restart (default: in memory)")
	accounts := f.String("accounts", "", `file {"accounts":[{"platform","account","handle","baseUrl","token",...}]}: real accounts in place of the stand-ins`)
	dir := f.String("config", "", "the config to run, watched for edits (default: "+ownConfig+", where it is)")
	if err := parse(f, args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return misuse(fmt.Sprintf("up takes no arguments, got %q", f.Arg(0)))
	}
	if err := inOrder(*dir, errs); err != nil {
		return err
	}
	w, err := startWorld(ctx, worldOptions{addr: *addr, data: *data, accounts: *accounts, clock: clock.Real(), log: errs, standinAddr: *pages})
	if err != nil {
		return err
	}
	defer w.close()
	w.agents = nil // a person answers, in the workspace page
	given := *dir != ""
	if !given {
		*dir = ownConfigDir()
	}
	if *dir != "" {
		if err := w.watchConfig(ctx, *dir, given, true, errs); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, `Fielder is up.
  %s/webhooks/x, /webhooks/meta   where platforms post (signed; `+"`build/fielder ingest`"+` signs)
  %s/standin/                     the stand-ins: threads as customers see them
  %s/connect/                     the agents' workspace
  %s/_fielder/status              the stack itself
%sCtrl-C stops it.
`, w.stack.URL(), w.pages, w.pages, w.stack.URL(), watched(*dir))
	<-ctx.Done()
	fmt.Fprintln(out)
	return nil
}

// watched says where the config is edited.
func watched(dir string) string {
	if dir == "" {
		return ""
	}
	return fmt.Sprintf("  %-37s the config: what is saved here is live within two seconds;\n%40s`fielder rules status` says what became of it\n", dir, "")
}

// note tells the person at the terminal something that is not an error of the
// command itself.
func (w *world) note(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "fielder: "+format+"\n", args...)
}
