// Package importer brings the brand's customer records in from a CSV file. It is
// apart from package match because telling phone numbers apart needs eight
// megabytes of data, which no function should carry.
//
// The file is read as a stream. A row that is wrong is reported with its line
// and left out; the others are imported. Importing a file again changes nothing
// but what changed in it: a customer's id is derived from external_id, and what
// a row no longer says is taken back, unless someone else said it too.
package importer

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/match"
)

// Customers is where customers are kept.
type Customers interface {
	// CustomerRecord reads a customer with its identities; NotFound.
	CustomerRecord(ctx context.Context, id care.CustomerID) (care.Customer, []care.Identity, error)
	// PutCustomer makes a customer and all its identities what they are given
	// as, if its version is still c.Version (else Conflict). refused are those
	// that another known customer has.
	PutCustomer(ctx context.Context, c care.Customer, identities []care.Identity) (refused []care.Identity, err error)
}

// Options says how to read a file.
type Options struct {
	Store Customers
	// File is what messages call the file; default customers.csv.
	File string
	// Region is the country (ISO 3166, "US") of phone numbers that do not begin
	// with "+". Without it such numbers are errors.
	Region string
	// MastodonHost is the host of our own Mastodon server: handles on it are
	// known without the host there.
	MastodonHost string
	// Concurrency is how many customers are written at once; default 8.
	Concurrency int
	// Now is the time of the import; default time.Now().
	Now time.Time
	// Progress is called now and then, never at the same time, with the report
	// so far (counts only); it may be nil.
	Progress func(Report)
}

// LineError is what is wrong with one line of the file.
type LineError struct {
	File    string
	Line    int
	Message string
}

func (e LineError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Message) }

// mostErrors is how many line errors and warnings a report keeps.
const mostErrors = 1000

// Report is what an import did.
type Report struct {
	Rows      int // data rows read
	Created   int
	Updated   int
	Unchanged int
	Failed    int // rows left out because of an error
	// Errors are the first thousand line errors, by line.
	Errors []LineError
	// Warnings are the first thousand lines that were imported but for
	// something, by line: an address that another customer has already.
	Warnings []LineError
	// Warned counts all warnings.
	Warned int
}

// CustomerID derives a customer's id from the id in the brand's own CRM.
func CustomerID(external string) care.CustomerID {
	sum := sha256.Sum256([]byte("external:" + external))
	return care.CustomerID("cus_" + hex.EncodeToString(sum[:12]))
}

// ImportCustomers imports a CSV file: UTF-8, with or without a byte order mark,
// separated by commas or semicolons (the header tells), quoted as in RFC 4180.
// The header names the columns, in any order:
//
//	external_id                      the id in the brand's CRM; required, unique
//	name, tier, language, time_zone  language as BCP 47 ("es"), time zone as IANA name
//	value                            yearly worth, a number >= 0
//	email, phone                     one or more, separated by "|"
//	x, facebook, instagram,          handles, or account ids where those have a form of
//	messenger, mastodon, bluesky     their own (digits; did:...), separated by "|"
//	consent_invite, consent_match,   yes or no; an empty cell is no
//	opt_out
//	attr:<name>                      any other fact, kept as an attribute
//
// A column that is missing leaves what is stored alone; an empty cell empties
// it. An opt-out that the customer gave elsewhere stays whatever the file says.
//
// The error is about the file as a whole (its header, the store, ctx); then the
// rows before it may have been imported, and importing again is safe. Errors of
// single rows are in the report.
func ImportCustomers(ctx context.Context, r io.Reader, o Options) (Report, error) {
	if o.Store == nil {
		return Report{}, care.Errorf(care.Invalid, "the import has no store")
	}
	if o.File == "" {
		o.File = "customers.csv"
	}
	if o.Concurrency < 1 {
		o.Concurrency = 8
	}
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	im := &run{o: o, seen: make(map[[12]byte]int)}
	reader, err := open(r, o.File)
	if err != nil {
		return Report{}, err
	}
	head, err := reader.Read()
	if err != nil {
		if errors.Is(err, io.EOF) {
			return Report{}, LineError{o.File, 1, "the file is empty; it needs a header with external_id"}
		}
		return Report{}, im.csvError(err)
	}
	columns, err := im.header(slices.Clone(head))
	if err != nil {
		return Report{}, err
	}
	err = im.rows(ctx, reader, columns)
	im.done()
	return im.report, err
}

// run is one import under way.
type run struct {
	o      Options
	mu     sync.Mutex
	report Report
	seen   map[[12]byte]int // line of each external id's hash
}

// open finds the separator and strips the byte order mark.
func open(r io.Reader, file string) (*csv.Reader, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	start, err := b.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	switch {
	case bytes.HasPrefix(start, []byte{0xEF, 0xBB, 0xBF}):
		if _, err := b.Discard(3); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	case bytes.HasPrefix(start, []byte{0xFF, 0xFE}), bytes.HasPrefix(start, []byte{0xFE, 0xFF}):
		return nil, LineError{file, 1, "the file is in UTF-16; save it as \"CSV UTF-8\""}
	case bytes.HasPrefix(start, []byte("PK\x03")):
		return nil, LineError{file, 1, "the file is a spreadsheet, not CSV; save it as \"CSV UTF-8\""}
	}
	line, err := b.Peek(b.Size())
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	line, _, _ = bytes.Cut(line, []byte("\n"))
	reader := csv.NewReader(b)
	if bytes.Count(line, []byte(";")) > bytes.Count(line, []byte(",")) {
		reader.Comma = ';'
	}
	reader.FieldsPerRecord = -1 // checked here, with a better message
	reader.ReuseRecord = true
	return reader, nil
}

func (im *run) csvError(err error) error {
	var parse *csv.ParseError
	if !errors.As(err, &parse) {
		return fmt.Errorf("%s: %w", im.o.File, err)
	}
	message := parse.Err.Error()
	switch parse.Err {
	case csv.ErrQuote:
		message = fmt.Sprintf("a quote that is never closed, or is followed by more text (column %d)", parse.Column)
	case csv.ErrBareQuote:
		message = fmt.Sprintf("a quote in the middle of a cell (column %d); quote the whole cell and double the quote", parse.Column)
	}
	return LineError{im.o.File, parse.StartLine, message}
}

// attrPrefix begins the name of a column that becomes an attribute.
const attrPrefix = "attr:"

// header checks the columns' names.
func (im *run) header(names []string) ([]string, error) {
	fail := func(format string, args ...any) error {
		return LineError{im.o.File, 1, fmt.Sprintf(format, args...)}
	}
	at := make(map[string]int, len(names))
	for i, n := range names {
		n = strings.TrimSpace(n)
		if !strings.HasPrefix(n, attrPrefix) {
			n = strings.ToLower(n)
		}
		names[i] = n
		switch first, twice := at[n]; {
		case n == "":
			return nil, fail("column %d has no name", i+1)
		case twice:
			return nil, fail("columns %d and %d are both named %q", first+1, i+1, n)
		case n == attrPrefix:
			return nil, fail("column %d: an attribute needs a name after %q", i+1, attrPrefix)
		case cells[n] == nil && !strings.HasPrefix(n, attrPrefix) && n != "external_id":
			if like := closest(n); like != "" {
				return nil, fail("unknown column %q, did you mean %q?", n, like)
			}
			return nil, fail("unknown column %q; for a fact of your own, name it %q", n, attrPrefix+n)
		}
		at[n] = i
	}
	if _, ok := at["external_id"]; !ok {
		return nil, fail("the column external_id is missing")
	}
	return names, nil
}

// rows reads the rows and hands them to workers.
func (im *run) rows(ctx context.Context, reader *csv.Reader, columns []string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan row)
	var workers sync.WaitGroup
	for range im.o.Concurrency {
		workers.Go(func() {
			for r := range work {
				if err := im.write(ctx, r); err != nil {
					cancel(err)
				}
			}
		})
	}
	err := func() error {
		defer close(work)
		for {
			record, err := reader.Read()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				line, ok := im.csvError(err).(LineError)
				if !ok {
					return im.csvError(err)
				}
				im.count(func(r *Report) { r.Rows++ })
				im.fail(line.Line, line.Message)
				continue
			}
			line, _ := reader.FieldPos(0)
			im.count(func(r *Report) { r.Rows++ })
			r, problems := im.parse(line, columns, record)
			if len(problems) > 0 {
				im.fail(line, strings.Join(problems, "; "))
				continue
			}
			select {
			case work <- r:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}()
	workers.Wait()
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return err
}

// row is a row that was understood.
type row struct {
	line       int
	external   string
	apply      []func(*care.Customer)
	identities []care.Identity
	// schemes are the kinds of identities that the file speaks about.
	schemes []string
}

// parse understands a row; problems says what is wrong with it.
func (im *run) parse(line int, columns, record []string) (r row, problems []string) {
	r.line = line
	if len(record) != len(columns) {
		return r, []string{fmt.Sprintf("%d cells, the header has %d", len(record), len(columns))}
	}
	for i, column := range columns {
		cell := record[i]
		if !utf8.ValidString(cell) {
			problems = append(problems, column+": not UTF-8; save the file as \"CSV UTF-8\"")
			continue
		}
		cell = strings.TrimSpace(cell)
		if len(cell) > mostCell {
			problems = append(problems, fmt.Sprintf("%s: %d bytes, at most %d are kept", column, len(cell), mostCell))
			continue
		}
		var err error
		switch {
		case column == "external_id":
			r.external = strings.Clone(cell)
			if cell == "" {
				err = errors.New("empty")
			}
		case strings.HasPrefix(column, attrPrefix):
			name, value := column[len(attrPrefix):], strings.Clone(cell)
			r.apply = append(r.apply, func(c *care.Customer) {
				if value == "" {
					delete(c.Attributes, name)
					return
				}
				if c.Attributes == nil {
					c.Attributes = make(map[string]string)
				}
				c.Attributes[name] = value
			})
		default:
			err = cells[column](im, strings.Clone(cell), &r)
		}
		if err != nil {
			problems = append(problems, column+": "+err.Error())
		}
	}
	if r.external != "" {
		sum := sha256.Sum256([]byte(r.external))
		if first, twice := im.seen[[12]byte(sum[:12])]; twice {
			problems = append(problems, fmt.Sprintf("external_id %q is also on line %d", r.external, first))
		} else {
			im.seen[[12]byte(sum[:12])] = line
		}
	}
	return r, problems
}

// mostCell bounds a cell, so that a customer fits into one stored item.
const mostCell = 2000

// mostTries bounds how often one customer is written before the import gives up.
const mostTries = 6

// write imports one row. Its error ends the import.
func (im *run) write(ctx context.Context, r row) error {
	for try := 1; ; try++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := im.writeOnce(ctx, r)
		switch care.CodeOf(err) {
		case "":
			return nil
		case care.Invalid:
			im.fail(r.line, message(err))
			return nil
		case care.Conflict, care.Busy, care.Throttled, care.Unavailable:
			if try < mostTries {
				select {
				case <-time.After(rand.N(20 * time.Millisecond << try)):
				case <-ctx.Done():
				}
				continue
			}
		}
		return fmt.Errorf("%s:%d: %w", im.o.File, r.line, err)
	}
}

func message(err error) string {
	var e *care.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}

func (im *run) writeOnce(ctx context.Context, r row) error {
	id := CustomerID(r.external)
	before, had, err := im.o.Store.CustomerRecord(ctx, id)
	fresh := care.CodeOf(err) == care.NotFound
	if err != nil && !fresh {
		return err
	}
	after := before
	if fresh {
		after = care.Customer{ID: id, Created: im.o.Now.UTC()}
	}
	after.External, after.Prospect = r.external, false
	after.Attributes = make(map[string]string, len(before.Attributes))
	for k, v := range before.Attributes {
		after.Attributes[k] = v
	}
	for _, apply := range r.apply {
		apply(&after)
	}
	if len(after.Attributes) == 0 {
		after.Attributes = nil
	}
	im.keepOptOut(before.Consent, &after.Consent)
	identities := merge(had, r, im.o.Now.UTC())
	if !fresh && equal(before, after) && equal(had, identities) {
		im.count(func(r *Report) { r.Unchanged++ })
		return nil
	}
	refused, err := im.o.Store.PutCustomer(ctx, after, identities)
	if err != nil {
		return err
	}
	kept := slices.DeleteFunc(identities, func(i care.Identity) bool {
		return slices.ContainsFunc(refused, func(r care.Identity) bool { return r.Scheme == i.Scheme && r.Value == i.Value })
	})
	im.count(func(r *Report) {
		switch {
		case fresh:
			r.Created++
		case equal(before, after) && equal(had, kept): // refused last time, too
			r.Unchanged++
		default:
			r.Updated++
		}
	})
	for _, i := range refused {
		im.warn(r.line, fmt.Sprintf("the %s is already another customer's (%s) and stays there", i.Scheme, i.Customer))
	}
	return nil
}

// bySource is how consent that came with an import is marked.
const bySource = "import"

// keepOptOut lets an opt-out that did not come from a file stand, and dates
// what changed.
func (im *run) keepOptOut(before care.Consent, after *care.Consent) {
	if before.OptOut && before.Source != bySource {
		after.OptOut = true
	}
	after.At, after.Source = before.At, before.Source
	if before != *after {
		after.At, after.Source = im.o.Now.UTC(), bySource
		if before.OptOut && before.Source != bySource {
			after.Source = before.Source // or the next import would lift it
		}
	}
}

// merge makes the list of a customer's identities: those of the row, and those
// that the customer has otherwise. What an earlier import brought, and the row no
// longer names, is taken back, and with a handle the accounts that were linked
// by it.
func merge(had []care.Identity, r row, now time.Time) []care.Identity {
	named := func(scheme, value string) int {
		return slices.IndexFunc(r.identities, func(i care.Identity) bool { return i.Scheme == scheme && i.Value == value })
	}
	by := func(i care.Identity, by string) bool {
		return slices.ContainsFunc(i.Evidence, func(r care.Reason) bool { return r.By == by })
	}
	var list []care.Identity
	for _, i := range had {
		if named(i.Scheme, i.Value) >= 0 {
			if !by(i, match.ByRecord) {
				i.Grade = stronger(i.Grade, care.GradeAsserted)
				i.Evidence = append(slices.Clone(i.Evidence), recordEvidence)
			}
			list = append(list, i)
			continue
		}
		switch handles := match.HandleScheme(care.Platform(i.Scheme)); {
		case by(i, match.ByHandle):
			if slices.Contains(r.schemes, handles) && named(handles, match.NormalHandle(i.Handle)) < 0 {
				continue
			}
		case by(i, match.ByRecord) && slices.Contains(r.schemes, i.Scheme) && i.Grade != care.GradeVerified:
			continue
		}
		list = append(list, i)
	}
	for _, i := range r.identities {
		if slices.ContainsFunc(list, func(o care.Identity) bool { return o.Scheme == i.Scheme && o.Value == i.Value }) {
			continue
		}
		i.Grade, i.Linked, i.Evidence = care.GradeAsserted, now, []care.Reason{recordEvidence}
		list = append(list, i)
	}
	for n := range list {
		list[n].Customer = CustomerID(r.external)
	}
	return list
}

var recordEvidence = care.Reason{By: match.ByRecord, Text: "The brand's own customer record names it."}

func stronger(a, b care.Grade) care.Grade {
	order := []care.Grade{care.GradeNone, care.GradeSuggested, care.GradeProbable, care.GradeVerified, care.GradeAsserted}
	if slices.Index(order, a) > slices.Index(order, b) || a == care.GradeVerified {
		return a
	}
	return b
}

// equal compares as stored, so that zones of times make no difference.
func equal(a, b any) bool {
	x, errA := json.Marshal(a)
	y, errB := json.Marshal(b)
	return errA == nil && errB == nil && (bytes.Equal(x, y) || len(x)+len(y) <= 8 && isEmpty(x) && isEmpty(y))
}

func isEmpty(b []byte) bool { return string(b) == "null" || string(b) == "[]" }

// progressStep is after how many finished rows progress is told.
const progressStep = 100

func (im *run) count(change func(*Report)) {
	im.mu.Lock()
	defer im.mu.Unlock()
	before := im.report.finished()
	change(&im.report)
	if after := im.report.finished(); im.o.Progress != nil && after != before && after%progressStep == 0 {
		im.tell()
	}
}

func (r Report) finished() int { return r.Created + r.Updated + r.Unchanged + r.Failed }

func (im *run) tell() {
	r := im.report
	r.Errors, r.Warnings = nil, nil
	im.o.Progress(r)
}

func (im *run) fail(line int, message string) {
	im.count(func(r *Report) {
		r.Failed++
		r.Errors = keepFirst(r.Errors, LineError{im.o.File, line, message})
	})
}

func (im *run) warn(line int, message string) {
	im.count(func(r *Report) {
		r.Warned++
		r.Warnings = keepFirst(r.Warnings, LineError{im.o.File, line, message})
	})
}

func keepFirst(list []LineError, e LineError) []LineError {
	if len(list) >= mostErrors {
		return list
	}
	return append(list, e)
}

// done puts the messages in order and tells the end of the progress.
func (im *run) done() {
	im.mu.Lock()
	defer im.mu.Unlock()
	for _, list := range [][]LineError{im.report.Errors, im.report.Warnings} {
		sort.SliceStable(list, func(i, j int) bool { return list[i].Line < list[j].Line })
	}
	if im.o.Progress != nil {
		im.tell()
	}
}
