package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
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
// bundle that needs them. A mistake names the YAML file and the path in it, such
// as rules[2].when.intents[0]; lines and columns are known only to Read.
func Parse(data []byte) (*Bundle, error) {
	if len(data) > MaxBundleBytes {
		return nil, Errors{{File: "bundle.json", Message: fmt.Sprintf("larger than %d bytes", MaxBundleBytes)}}
	}
	b := &Bundle{}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	err := d.Decode(b)
	at := d.InputOffset()
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows the document")
		}
	}
	if err != nil {
		if typeErr := (*json.UnmarshalTypeError)(nil); errors.As(err, &typeErr) {
			at = typeErr.Offset
		} else if syntaxErr := (*json.SyntaxError)(nil); errors.As(err, &syntaxErr) {
			at = syntaxErr.Offset
		}
		line, column := lineOf(data, at)
		return nil, Errors{{File: "bundle.json", Line: line, Column: column, Message: strings.TrimPrefix(err.Error(), "json: ")}}
	}
	if b.Version == "" {
		return nil, Errors{{File: "bundle.json", Message: "the version is missing"}}
	}
	var errs Errors
	for _, p := range check(b, nil, func(string, string) bool { return false }) {
		errs = append(errs, Error{File: p.file, Message: strings.TrimSuffix(p.path, "#key") + ": " + p.message})
	}
	if len(errs) > 0 {
		return nil, errs.sorted()
	}
	b.Hours.roster = new(roster)
	return b, nil
}

// lineOf is the line and column of a byte, counted from 1; columns are bytes.
func lineOf(data []byte, offset int64) (line, column int) {
	before := data[:max(0, min(offset, int64(len(data))))]
	return 1 + bytes.Count(before, []byte("\n")), len(before) - bytes.LastIndexByte(before, '\n')
}
