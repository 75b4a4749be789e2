package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxBundleBytes bounds the JSON form (AppConfig quota, hosted configuration:
// 2,048 KB).
const MaxBundleBytes = 2048 * 1024

// Encode writes the one-document JSON form of a bundle: what AppConfig delivers.
func Encode(b *Bundle) ([]byte, error) {
	data, err := json.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("encode bundle: %w", err)
	}
	if len(data) > MaxBundleBytes {
		return nil, fmt.Errorf("encode bundle: %d bytes are more than the %d that AppConfig delivers", len(data), MaxBundleBytes)
	}
	return data, nil
}

// Parse reads what Encode wrote and runs the same checks as Load; mistakes come
// as Errors. An unknown key is an error: a function that did not know a guard
// would answer where the guard forbids it, so functions are deployed before a
// bundle that needs them.
func Parse(data []byte) (*Bundle, error) {
	if len(data) > MaxBundleBytes {
		return nil, Errors{{File: "bundle.json", Message: fmt.Sprintf("larger than %d bytes", MaxBundleBytes)}}
	}
	b := &Bundle{}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	err := d.Decode(b)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows the document")
		}
	}
	if err != nil {
		return nil, Errors{{File: "bundle.json", Message: err.Error()}}
	}
	if b.Version == "" {
		return nil, Errors{{File: "bundle.json", Message: "the version is missing"}}
	}
	var errs Errors
	for _, p := range check(b, nil) {
		errs = append(errs, Error{File: p.file, Message: p.path + ": " + p.message})
	}
	if len(errs) > 0 {
		return nil, errs.sorted()
	}
	b.Hours.roster = new(roster)
	return b, nil
}
