package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/fielder-care/fielder/shared/match/importer"
)

// customers imports customers into the running stack's table.
func customers(ctx context.Context, args []string, out, errs io.Writer) error {
	if len(args) == 0 || args[0] != "import" {
		return errors.New("what about customers? fielder customers import FILE.csv")
	}
	f := flags("customers", errs)
	region := f.String("region", "", "ISO country of phone numbers without a country code, for example US")
	if err := f.Parse(args[1:]); err != nil {
		return err
	}
	if f.NArg() != 1 {
		return errors.New("which file? fielder customers import FILE.csv")
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
	rep, err := importer.ImportCustomers(ctx, r.table, file, importer.Options{Name: filepath.Base(f.Arg(0)), Region: *region,
		Progress: func(n int) { fmt.Fprintf(errs, "\r%d customers", n) }})
	fmt.Fprintln(errs)
	if err != nil {
		return err
	}
	for _, bad := range rep.Rejected {
		fmt.Fprintln(errs, bad)
	}
	fmt.Fprintf(out, "%d customers imported, %d lines rejected\n", rep.Imported, len(rep.Rejected))
	if len(rep.Rejected) > 0 {
		return errQuiet
	}
	return nil
}
