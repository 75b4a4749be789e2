package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/fielder-care/fielder/shared/match/importer"
)

// customers imports customers into the running stack's table.
func customers(ctx context.Context, args []string, out, errs io.Writer) error {
	if len(args) == 0 || args[0] != "import" {
		return misuse("what about customers? fielder customers import FILE.csv")
	}
	f := flags("customers", errs)
	region := f.String("region", "", "ISO country of phone numbers without a country code, for example US")
	if err := parse(f, args[1:]); err != nil {
		return err
	}
	if f.NArg() != 1 {
		return misuse("which file? fielder customers import FILE.csv")
	}
	file, err := os.Open(f.Arg(0))
	if err != nil {
		return err
	}
	defer file.Close()
	r, err := findRunning(ctx)
	if err != nil {
		return err
	}
	o := importer.Options{Store: r.table, File: filepath.Base(f.Arg(0)), Region: *region}
	if isTerminal(errs) {
		o.Progress = func(so importer.Report) { fmt.Fprintf(errs, "\r%d rows", so.Rows) }
	}
	rep, err := importer.ImportCustomers(ctx, file, o)
	if isTerminal(errs) {
		fmt.Fprintln(errs)
	}
	for _, bad := range append(rep.Errors, rep.Warnings...) {
		fmt.Fprintln(errs, bad)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d rows: %d customers created, %d updated, %d unchanged, %d rejected\n", rep.Rows, rep.Created, rep.Updated, rep.Unchanged, rep.Failed)
	if rep.Failed > 0 {
		return errQuiet
	}
	return nil
}
