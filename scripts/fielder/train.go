package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/fielder-care/fielder/scripts/train"
)

// trainCommand makes the models that triage has built in from the data sets
// listed in NOTICE, and writes them with their checksum beside them.
func trainCommand(_ context.Context, args []string, out, errs io.Writer) error {
	f := flags("train", errs)
	dir := f.String("data", "", "a directory with the data sets listed in NOTICE")
	to := f.String("out", filepath.Join("shared", "triage", "models", "posts.flm"), "the file to write")
	if err := parse(f, args); err != nil {
		return err
	}
	if *dir == "" || f.NArg() > 0 {
		f.Usage()
		return misuse("train needs --data DIR and nothing else")
	}
	list, err := train.Read(*dir)
	if err != nil {
		return err
	}
	counts := map[string]int{}
	for _, e := range list {
		counts[e.Set]++
	}
	for _, set := range train.Sets() {
		fmt.Fprintf(out, "%-12s %6d texts\n", set, counts[set])
	}
	b, err := train.Model(list, train.Default)
	if err != nil {
		return err
	}
	sum := fmt.Sprintf("%x  %s\n", sha256.Sum256(b), filepath.Base(*to))
	if err := os.WriteFile(*to, b, 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(*to+".sha256", []byte(sum), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d bytes  %s", len(b), sum)
	return nil
}
