package importer_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/match"
	"github.com/fielder-care/fielder/shared/match/importer"
	"github.com/fielder-care/fielder/shared/store/storetest"
)

// TestImportThenMatch imports customers into the real table and matches posts
// of theirs: the ports of match and importer fit the store, and the pieces agree
// on what a handle is.
func TestImportThenMatch(t *testing.T) {
	ctx := context.Background()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	table := storetest.Open(t, func() time.Time { return noon })
	service := match.New(table, table, table, table)
	complaint := care.Triage{Relevance: care.RelevanceAddressed, Complaint: true}
	post := func(n int) care.Post {
		return care.Post{Platform: care.X, NativeID: fmt.Sprint(9000 + n), Account: "7001001", Kind: care.KindMention, Thread: "9000",
			Author: care.Author{ID: "2222", Handle: "Bill_Reads", Name: "bill"}, Text: "help", CreatedAt: noon.Add(time.Duration(n) * time.Minute),
			ReceivedAt: noon.Add(time.Duration(n)*time.Minute + 123456789)}
	}
	run := func(n int) care.Match {
		t.Helper()
		m, err := service.Match(ctx, post(n), complaint)
		if err != nil {
			t.Fatal(err)
		}
		again, err := service.Match(ctx, post(n), complaint)
		if err != nil {
			t.Fatal(err)
		}
		if again.First != m.First || again.Customer.ID != m.Customer.ID || again.Conversation.ID != m.Conversation.ID {
			t.Fatalf("matched again: %+v, first %+v", again, m)
		}
		return m
	}
	load := func(file string) importer.Report {
		t.Helper()
		report, err := importer.ImportCustomers(ctx, strings.NewReader(file), importer.Options{Store: table, Region: "US", Now: noon})
		if err != nil {
			t.Fatal(err)
		}
		return report
	}

	first := run(1)
	if !first.Customer.Prospect || !first.First {
		t.Fatalf("the first post: %+v", first)
	}
	const file = "external_id,name,email,phone,x,value,consent_match\nK-1,William Hale,bill@example.com,(202) 555-0123,@bill_reads,90000,%s\nK-2,Ann,ann@example.com,202 555 0123,,10,no\n"
	report := load(fmt.Sprintf(file, "no"))
	if report.Created != 2 || report.Warned != 1 { // they share a phone number
		t.Fatalf("import: %+v", report)
	}
	if m := run(2); !m.Customer.Prospect || m.Grade != care.GradeSuggested || m.First {
		t.Fatalf("without consent: %+v", m)
	}
	load(fmt.Sprintf(file, "yes"))
	third := run(3)
	if third.Customer.Name != "William Hale" || third.Grade != care.GradeAsserted || !third.Known {
		t.Fatalf("with consent: %+v", third)
	}
	if third.Conversation.ID != first.Conversation.ID || third.Conversation.Customer != third.Customer.ID {
		t.Errorf("the conversation is %+v", third.Conversation)
	}
	open, err := table.OpenConversations(ctx, third.Customer.ID)
	if err != nil || len(open) != 1 {
		t.Errorf("%d open conversations, error %v", len(open), err)
	}
	if again := load(fmt.Sprintf(file, "yes")); again.Unchanged != 2 || again.Warned != 1 {
		t.Errorf("imported again: %+v", again)
	}
	c, identity, err := table.CustomerByIdentity(ctx, "x", "2222")
	if err != nil || c.ID != importer.CustomerID("K-1") || identity.Handle != "Bill_Reads" {
		t.Errorf("the account is %+v of %s, error %v", identity, c.ID, err)
	}
	timeline, _, err := table.Timeline(ctx, third.Customer.ID, 10, "")
	if err != nil || len(timeline) != 1 || timeline[0].ID != "x:9003" {
		t.Errorf("timeline %+v, error %v", timeline, err)
	}
	load("external_id,x\nK-1,@bill_writes\n")
	if m := run(4); !m.Customer.Prospect || m.Customer.ID != first.Customer.ID {
		t.Errorf("after the handle left the record: %+v, want the prospect of before", m.Customer)
	}
}
