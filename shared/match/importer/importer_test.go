package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/match"
)

var (
	ctx = context.Background()
	now = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
)

// memory keeps customers for these tests. The test with the real store is in
// store_test.go.
type memory struct {
	mu        sync.Mutex
	customers map[care.CustomerID]care.Customer
	lists     map[care.CustomerID][]care.Identity
	owners    map[string]care.CustomerID
	puts      int
	// fail makes the next calls fail, one error each.
	fail []error
}

func newMemory() *memory {
	return &memory{customers: make(map[care.CustomerID]care.Customer), lists: make(map[care.CustomerID][]care.Identity),
		owners: make(map[string]care.CustomerID)}
}

func (m *memory) next() error {
	if len(m.fail) == 0 {
		return nil
	}
	err := m.fail[0]
	m.fail = m.fail[1:]
	return err
}

func (m *memory) CustomerRecord(_ context.Context, id care.CustomerID) (care.Customer, []care.Identity, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.next(); err != nil {
		return care.Customer{}, nil, err
	}
	c, ok := m.customers[id]
	if !ok {
		return care.Customer{}, nil, care.Errorf(care.NotFound, "nobody")
	}
	return c, m.lists[id], nil
}

func (m *memory) PutCustomer(_ context.Context, c care.Customer, list []care.Identity) ([]care.Identity, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.next(); err != nil {
		return nil, err
	}
	if m.customers[c.ID].Version != c.Version {
		return nil, care.Errorf(care.Conflict, "version")
	}
	for _, i := range m.lists[c.ID] {
		delete(m.owners, i.Scheme+i.Value)
	}
	var kept, refused []care.Identity
	for _, i := range list {
		if owner, taken := m.owners[i.Scheme+i.Value]; taken {
			i.Customer = owner
			refused = append(refused, i)
			continue
		}
		m.owners[i.Scheme+i.Value] = c.ID
		kept = append(kept, i)
	}
	c.Version++
	m.customers[c.ID], m.lists[c.ID] = c, kept
	m.puts++
	return refused, nil
}

func load(t *testing.T, m *memory, file string) Report {
	t.Helper()
	report, err := ImportCustomers(ctx, strings.NewReader(file), Options{Store: m, Region: "US", MastodonHost: "Social.Veloria.example", Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func names(list []care.Identity) string {
	var s []string
	for _, i := range list {
		s = append(s, i.Scheme+"="+i.Value)
	}
	return strings.Join(s, " ")
}

func TestOK(t *testing.T) {
	m := newMemory()
	report := load(t, m, "\xEF\xBB\xBF"+`external_id,Name,email,phone,x,mastodon,value,tier,language,time_zone,consent_invite,consent_match,opt_out,attr:plan,attr:Since year`+"\r\n"+
		`K-1,"Hale, William ""Bill""",Bill@Example.com,(202) 555-0123|+34 612 345 678,@Bill_Reads,@bill@social.veloria.example,1200.50,gold,en,America/New_York,yes,Y,no,Veloria Fiber,2019`+"\r\n"+
		"\r\n"+
		`K-2,"Ana
María",,,,,,,,,,,1,,`+"\r\n")
	if diff := cmp.Diff(Report{Rows: 2, Created: 2}, report); diff != "" {
		t.Fatalf("-want +got\n%s", diff)
	}
	bill := m.customers[CustomerID("K-1")]
	want := care.Customer{
		ID: CustomerID("K-1"), External: "K-1", Name: `Hale, William "Bill"`, Lang: "en", TimeZone: "America/New_York", Value: 1200.5, Tier: "gold",
		Attributes: map[string]string{"plan": "Veloria Fiber", "Since year": "2019"},
		Consent:    care.Consent{Invite: true, Match: true, At: now, Source: "import"}, Created: now, Version: 1,
	}
	if diff := cmp.Diff(want, bill); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	list := m.lists[bill.ID]
	if got, want := names(list), "email=bill@example.com phone=+12025550123 phone=+34612345678 x-handle=bill_reads mastodon-handle=bill"; got != want {
		t.Errorf("identities %s\nwant       %s", got, want)
	}
	for _, i := range list {
		if i.Grade != care.GradeAsserted || i.Customer != bill.ID || !i.Linked.Equal(now) || len(i.Evidence) != 1 || i.Evidence[0].By != match.ByRecord {
			t.Errorf("identity %+v", i)
		}
	}
	ana := m.customers[CustomerID("K-2")]
	if ana.Name != "Ana\nMaría" || !ana.Consent.OptOut || ana.Attributes != nil {
		t.Errorf("%+v", ana)
	}
}

// TestErrLines: every kind of mistake, with the line and the words.
func TestErrLines(t *testing.T) {
	m := newMemory()
	file := strings.Join([]string{
		`external_id,name,email,phone,x,facebook,instagram,messenger,mastodon,bluesky,value,language,time_zone,opt_out`, // 1
		`K-1,Ann,,,,,,,,,,,,`, // 2: fine
		`,Nobody,,,,,,,,,,,,`,
		`K-1,Twice,,,,,,,,,,,,`,
		`K-4,Short`,
		`K-5,,not-an-address,,,,,,,,,,,`,
		`K-6,,Bill <bill@example.com>,,,,,,,,,,,`,
		`K-7,,,12,,,,,,,,,,`,
		`K-8,,,,bill reads,,,,,,,,,`,
		`K-9,,,,,!,,,,,,,,`,
		`K-10,,,,,,né,,,,,,,`,
		`K-11,,,,,,,bill,,,,,,`,
		`K-12,,,,,,,,@bill@,,,,,`,
		`K-13,,,,,,,,,bill,,,,`,
		`K-14,,,,,,,,,,"1.200,50",,,`,
		`K-15,,,,,,,,,,-1,,,`,
		`K-16,,,,,,,,,,NaN,,,`,
		`K-17,,,,,,,,,,,Spanish language,,`,
		`K-18,,,,,,,,,,,,Madrid,`,
		`K-19,,,,,,,,,,,,,perhaps`,
		`K-20,Bad "quote,,,,,,,,,,,,`,
		"K-21,\xE9tienne,,,,,,,,,,,,",
		`K-22,` + strings.Repeat("n", 3000) + `,,,,,,,,,,,,`,
		`K-23,,a@b,,,,,,,,x,,,`,
		`K-24,,a@b.example,,,,,,,,,,,`, // fine: the import goes on
		`K-25,"never closed,,,,,,,,,,,,`,
	}, "\n")
	report := load(t, m, file)
	if report.Rows != 25 || report.Created != 2 || report.Failed != 23 {
		t.Errorf("%d rows, %d created, %d failed; want 25, 2, 23", report.Rows, report.Created, report.Failed)
	}
	want := []string{
		`customers.csv:3: external_id: empty`,
		`customers.csv:4: external_id "K-1" is also on line 2`,
		`customers.csv:5: 2 cells, the header has 14`,
		`customers.csv:6: email: "not-an-address" is not an e-mail address`,
		`customers.csv:7: email: "Bill <bill@example.com>" is not an e-mail address`,
		`customers.csv:8: phone: "12" is not a phone number in use`,
		`customers.csv:9: x: "bill reads" is neither a handle nor an account id`,
		`customers.csv:10: facebook: "!" is neither a handle nor an account id`,
		`customers.csv:11: instagram: "né" is neither a handle nor an account id`,
		`customers.csv:12: messenger: "bill" is not an account id made of digits`,
		`customers.csv:13: mastodon: "@bill@" is not a handle like @nora@mastodon.example`,
		`customers.csv:14: bluesky: "bill" is neither a handle like nora.bsky.example nor a DID`,
		`customers.csv:15: value: "1.200,50" is not an amount like 1200 or 1200.50`,
		`customers.csv:16: value: "-1" is not an amount like 1200 or 1200.50`,
		`customers.csv:17: value: "NaN" is not an amount like 1200 or 1200.50`,
		`customers.csv:18: language: "Spanish language" is not a language tag like "es" or "pt-BR"`,
		`customers.csv:19: time_zone: "Madrid" is not a time zone like "Europe/Madrid"`,
		`customers.csv:20: opt_out: "perhaps" is neither yes nor no`,
		`customers.csv:21: a quote in the middle of a cell (column 10); quote the whole cell and double the quote`,
		`customers.csv:22: name: not UTF-8; save the file as "CSV UTF-8"`,
		`customers.csv:23: name: 3000 bytes, at most 2000 are kept`,
		`customers.csv:24: email: "a@b" is not an e-mail address; value: "x" is not an amount like 1200 or 1200.50`,
		`customers.csv:26: a quote that is never closed, or is followed by more text (column 31)`,
	}
	var got []string
	for _, e := range report.Errors {
		got = append(got, e.Error())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestErrHeader(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"empty", "", "customers.csv:1: the file is empty; it needs a header with external_id"},
		{"no id", "name,email\n", "customers.csv:1: the column external_id is missing"},
		{"unknown, like a known one", "external_id,e-mail\n", `customers.csv:1: unknown column "e-mail", did you mean "email"?`},
		{"unknown", "external_id,shoe size\n", `customers.csv:1: unknown column "shoe size"; for a fact of your own, name it "attr:shoe size"`},
		{"twice", "external_id,email, EMAIL\n", `customers.csv:1: columns 2 and 3 are both named "email"`},
		{"without a name", "external_id,,email\n", "customers.csv:1: column 2 has no name"},
		{"attribute without a name", "external_id,attr:\n", `customers.csv:1: column 2: an attribute needs a name after "attr:"`},
		{"UTF-16", "\xFF\xFEe\x00x\x00", "customers.csv:1: the file is in UTF-16; save it as \"CSV UTF-8\""},
		{"a spreadsheet", "PK\x03\x04rest", "customers.csv:1: the file is a spreadsheet, not CSV; save it as \"CSV UTF-8\""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMemory()
			_, err := ImportCustomers(ctx, strings.NewReader(c.file), Options{Store: m})
			if err == nil || err.Error() != c.want {
				t.Errorf("error %v\nwant  %s", err, c.want)
			}
			if m.puts != 0 {
				t.Errorf("%d customers were written", m.puts)
			}
		})
	}
	if _, err := ImportCustomers(ctx, strings.NewReader(""), Options{}); care.CodeOf(err) != care.Invalid {
		t.Errorf("without a store: error %v", err)
	}
}

func TestSemicolons(t *testing.T) {
	m := newMemory()
	if r := load(t, m, "external_id;name;value\nK-1;Hale, William;12\n"); r.Created != 1 || m.customers[CustomerID("K-1")].Name != "Hale, William" {
		t.Errorf("%+v, %+v", r, m.customers)
	}
}

// TestAgain: a second import changes what changed in the file and nothing else.
func TestAgain(t *testing.T) {
	const first = "external_id,name,email,x,consent_match\nK-1,Bill,bill@example.com,@bill_reads,yes\n"
	derived := care.Identity{Scheme: "x", Value: "2222", Handle: "Bill_Reads", Customer: CustomerID("K-1"), Grade: care.GradeAsserted,
		Evidence: []care.Reason{{By: match.ByRecord}, {By: match.ByHandle}}}
	verified := care.Identity{Scheme: "mastodon", Value: "77", Customer: CustomerID("K-1"), Grade: care.GradeVerified, Evidence: []care.Reason{{By: match.ByRecord}, {By: "code"}}}
	const all = "email=bill@example.com x-handle=bill_reads x=2222 mastodon=77"
	for _, c := range []struct {
		name, file string
		want       Report
		check      func(care.Customer) bool
		identities string
	}{
		{"the same", first, Report{Rows: 1, Unchanged: 1}, func(c care.Customer) bool { return c.Version == 1 && c.Consent.At.Equal(now) }, all},
		{"another name", strings.Replace(first, ",Bill,", ",William,", 1), Report{Rows: 1, Updated: 1},
			func(c care.Customer) bool { return c.Name == "William" && c.Version == 2 && c.Consent.At.Equal(now) }, all},
		{"a column less leaves what is stored", "external_id,name\nK-1,Bill\n", Report{Rows: 1, Unchanged: 1}, func(c care.Customer) bool { return c.Consent.Match }, all},
		{"an empty cell empties", "external_id,name,email\nK-1,,\n", Report{Rows: 1, Updated: 1}, func(c care.Customer) bool { return c.Name == "" },
			"x-handle=bill_reads x=2222 mastodon=77"},
		{"another handle takes its account along", strings.Replace(first, "@bill_reads", "@bill_writes", 1), Report{Rows: 1, Updated: 1}, nil,
			"email=bill@example.com mastodon=77 x-handle=bill_writes"},
		{"what was verified stays", "external_id,mastodon\nK-1,\n", Report{Rows: 1, Unchanged: 1}, nil, all},
		{"consent withdrawn", strings.Replace(first, "yes", "no", 1), Report{Rows: 1, Updated: 1},
			func(c care.Customer) bool { return !c.Consent.Match && c.Consent.At.Equal(now.Add(time.Hour)) }, all},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMemory()
			load(t, m, first)
			id := CustomerID("K-1")
			m.lists[id] = append(m.lists[id], derived, verified)
			report, err := ImportCustomers(ctx, strings.NewReader(c.file), Options{Store: m, Now: now.Add(time.Hour)})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, report); diff != "" {
				t.Errorf("report: -want +got\n%s", diff)
			}
			if c.check != nil && !c.check(m.customers[id]) {
				t.Errorf("customer %+v", m.customers[id])
			}
			if got := names(m.lists[id]); got != c.identities {
				t.Errorf("identities %s\nwant       %s", got, c.identities)
			}
		})
	}
}

// TestOptOut: whoever opted out by their own word is not opted in by a file.
func TestOptOut(t *testing.T) {
	m := newMemory()
	file := "external_id,opt_out,consent_invite\nK-1,no,yes\n"
	load(t, m, file)
	id := CustomerID("K-1")
	c := m.customers[id]
	c.Consent.OptOut, c.Consent.Source, c.Consent.At = true, "opt-out word", now.Add(time.Minute)
	m.customers[id] = c
	load(t, m, file)
	if got := m.customers[id].Consent; got != c.Consent {
		t.Errorf("consent became %+v", got)
	}
	load(t, m, strings.Replace(file, ",yes", ",no", 1))
	load(t, m, file)
	if got := m.customers[id].Consent; !got.OptOut || got.Source != "opt-out word" {
		t.Errorf("after further imports the consent is %+v", got)
	}
	// An opt-out that came with a file goes with a file.
	load(t, m, "external_id,opt_out\nK-2,yes\n")
	load(t, m, "external_id,opt_out\nK-2,no\n")
	if m.customers[CustomerID("K-2")].Consent.OptOut {
		t.Error("the opt-out of a file cannot be taken back by a file")
	}
}

func TestRefusedIdentities(t *testing.T) {
	m := newMemory()
	report, err := ImportCustomers(ctx, strings.NewReader("external_id,phone\nK-1,+1 202 555 0123\nK-2,+12025550123\n"), Options{Store: m, Concurrency: 1, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	if report.Created != 2 || report.Warned != 1 || len(report.Warnings) != 1 {
		t.Fatalf("%+v", report)
	}
	again, err := ImportCustomers(ctx, strings.NewReader("external_id,phone\nK-1,+12025550123\nK-2,+12025550123\n"), Options{Store: m, Now: now.Add(time.Hour)})
	if err != nil || again.Unchanged != 2 || again.Warned != 1 {
		t.Errorf("imported again: %+v, error %v", again, err)
	}
	want := fmt.Sprintf("customers.csv:3: the phone is already another customer's (%s) and stays there", CustomerID("K-1"))
	if got := report.Warnings[0].Error(); got != want {
		t.Errorf("warning %s\nwant    %s", got, want)
	}
}

func TestForms(t *testing.T) {
	for _, c := range []struct{ column, cell, want string }{
		{"x", "@Bill_Reads", "x-handle=bill_reads"},
		{"x", "https://x.com/Bill_Reads?s=20", "x-handle=bill_reads"},
		{"x", "twitter.com/bill_reads/", "x-handle=bill_reads"},
		{"x", "2222", "x=2222"},
		{"x", "@2222", "x-handle=2222"},
		{"x", "bill | ann", "x-handle=bill x-handle=ann"},
		{"facebook", "https://www.facebook.com/bill.hale.5", "facebook-handle=bill.hale.5"},
		{"facebook", "100001", "facebook=100001"},
		{"instagram", "@bill.reads", "instagram-handle=bill.reads"},
		{"messenger", "5551", "messenger=5551"},
		{"mastodon", "@Bill@Mastodon.example", "mastodon-handle=bill@mastodon.example"},
		{"mastodon", "bill@social.veloria.example", "mastodon-handle=bill"},
		{"mastodon", "109", "mastodon=109"},
		{"bluesky", "@Bill.Bsky.Example", "bluesky-handle=bill.bsky.example"},
		{"bluesky", "did:plc:abcdefghijklmnopqrstuvwx", "bluesky=did:plc:abcdefghijklmnopqrstuvwx"},
		{"bluesky", "https://bsky.app/profile/bill.bsky.example", "bluesky-handle=bill.bsky.example"},
		{"phone", "202-555-0123", "phone=+12025550123"},
		{"phone", "+44 20 7946 0958", "phone=+442079460958"},
		{"email", "BILL@Example.com | b@example.com", "email=bill@example.com email=b@example.com"},
	} {
		m := newMemory()
		report := load(t, m, "external_id,"+c.column+"\nK-1,"+c.cell+"\n")
		if got := names(m.lists[CustomerID("K-1")]); got != c.want {
			t.Errorf("%s %q: %s, want %s (%v)", c.column, c.cell, got, c.want, report.Errors)
		}
	}
	report, err := ImportCustomers(ctx, strings.NewReader("external_id,phone\nK-1,202 555 0123\n"), Options{Store: newMemory()})
	if err != nil || len(report.Errors) != 1 || !strings.Contains(report.Errors[0].Message, "no country code, and the import has no region") {
		t.Errorf("a national number without a region: %v, error %v", report.Errors, err)
	}
}

func TestErrStore(t *testing.T) {
	throttled := care.Errorf(care.Throttled, "slow down")
	m := newMemory()
	m.fail = []error{throttled, nil, care.Errorf(care.Conflict, "changed"), throttled}
	if r := load(t, m, "external_id\nK-1\n"); r.Created != 1 {
		t.Errorf("after transient errors: %+v", r)
	}
	m.fail = []error{nil, care.Errorf(care.Invalid, "too large")}
	if r := load(t, m, "external_id\nK-2\nK-3\n"); r.Created != 1 || r.Failed != 1 || r.Errors[0].Message != "too large" {
		t.Errorf("after a refused row: %+v", r)
	}
	denied := care.Errorf(care.Denied, "no permission")
	m.fail = []error{denied}
	_, err := ImportCustomers(ctx, strings.NewReader("external_id\nK-4\n"), Options{Store: m})
	if care.CodeOf(err) != care.Denied || !strings.HasPrefix(err.Error(), "customers.csv:2: ") {
		t.Errorf("error %v, want Denied with its line", err)
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := ImportCustomers(stopped, strings.NewReader("external_id\nK-5\n"), Options{Store: m}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want Canceled", err)
	}
	broken := io.MultiReader(strings.NewReader("external_id\nK-6\n"), iotest.ErrReader(errors.New("disk on fire")))
	if _, err := ImportCustomers(ctx, broken, Options{Store: m}); err == nil || !strings.Contains(err.Error(), "disk on fire") {
		t.Errorf("error %v", err)
	}
}

func TestProgress(t *testing.T) {
	var file strings.Builder
	file.WriteString("external_id,value\n")
	for n := range 1050 {
		fmt.Fprintf(&file, "K-%d,%d\n", n, n)
	}
	var told []int
	m := newMemory()
	report, err := ImportCustomers(ctx, strings.NewReader(file.String()), Options{Store: m, Progress: func(r Report) { told = append(told, r.Created) }})
	if err != nil || report.Created != 1050 {
		t.Fatalf("%+v, error %v", report, err)
	}
	if want := []int{100, 200, 300, 400, 500, 600, 700, 800, 900, 1000, 1050}; !cmp.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
}

func FuzzImport(f *testing.F) {
	for _, seed := range []string{
		"external_id,name\nK-1,Bill\n", "\xEF\xBB\xBFexternal_id;x\r\nK-1;@bill\r\n", "external_id,email,phone,value\nK,a@b.cd|x,+1202,1e999\n",
		"external_id,\"na\nme\"\n", "external_id,attr:a\n\"K\"\"1\",\"\"\n", "PK\x03\x04", "\xFF\xFE", "external_id,mastodon,bluesky,time_zone\n1,@a@b,did:plc:a,../../etc/passwd\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file string) {
		m := newMemory()
		o := Options{Store: m, Region: "DE", Now: now, Concurrency: 2}
		first, err := ImportCustomers(ctx, strings.NewReader(file), o)
		if first.Rows != first.finished() && err == nil {
			t.Fatalf("%d rows, %d accounted for", first.Rows, first.finished())
		}
		if err != nil {
			return
		}
		for id, list := range m.lists {
			for _, i := range list {
				if i.Value == "" || i.Customer != id || i.Grade != care.GradeAsserted {
					t.Fatalf("identity %+v of %s", i, id)
				}
			}
		}
		if first.Warned > 0 {
			return // which of two rows gets an address depends on who is first
		}
		second, err := ImportCustomers(ctx, strings.NewReader(file), o)
		if err != nil || second.Created != 0 || second.Updated != 0 || second.Failed != first.Failed {
			t.Fatalf("imported again: %+v, error %v; first %+v", second, err, first)
		}
	})
}

// BenchmarkImport is what one row costs without its store.
func BenchmarkImport(b *testing.B) {
	var file strings.Builder
	file.WriteString("external_id,name,email,phone,x,value,consent_match\n")
	const rows = 1000
	for n := range rows {
		fmt.Fprintf(&file, "K-%d,Bill Hale,bill%d@example.com,(202) 555-%04d,@bill_%d,%d,yes\n", n, n, 100+n%100, n, n)
	}
	b.ReportAllocs()
	for b.Loop() {
		if r, err := ImportCustomers(ctx, strings.NewReader(file.String()), Options{Store: newMemory(), Region: "US"}); err != nil || r.Created != rows {
			b.Fatal(r, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
}
