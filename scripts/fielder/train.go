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
// listed in NOTICE, and says their checksums.
func trainCommand(_ context.Context, args []string, out, errs io.Writer) error {
	f := flags("train", errs)
	dir := f.String("data", "", "a directory with the data sets listed in NOTICE")
	to := f.String("out", filepath.Join("shared", "triage", "models"), "the folder to write to")
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
	layers, err := train.Layers(b, list)
	if err != nil {
		return err
	}
	sums := ""
	for _, m := range []struct {
		name  string
		bytes []byte
	}{{"posts.flm", b}, {"layers.f32", layers}} {
		if err := os.WriteFile(filepath.Join(*to, m.name), m.bytes, 0o644); err != nil {
			return err
		}
		sums += fmt.Sprintf("%x  %s\n", sha256.Sum256(m.bytes), m.name)
	}
	if err := os.WriteFile(filepath.Join(*to, "SHA256SUMS"), []byte(sums), 0o644); err != nil {
		return err
	}
	fmt.Fprint(out, sums)
	return nil
}
