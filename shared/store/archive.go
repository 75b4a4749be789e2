package store

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/fielder-care/fielder/shared/care"
)

// scanner is all that an Archive may ask of DynamoDB.
type scanner interface {
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
}

// Archive reads what is stored about posts in bulk, to replay it. It has no way
// to write. It is safe for concurrent use.
type Archive struct {
	api  scanner
	name string
}

// NewArchive returns the posts of the table called name.
func NewArchive(api scanner, name string) *Archive { return &Archive{api, name} }

// Sweep says which posts to read: those that came in, by our own clock, from
// Since on and before Until, of one platform or, with "", of all.
type Sweep struct {
	Since, Until time.Time
	Platform     care.Platform
	// Segments is into how many parts the table is cut; each is read on its own.
	// DynamoDB serves them side by side. The local engine looks at the whole table
	// for every page of a part: there, 1 is fastest.
	Segments int
}

// Page is what one request found.
type Page struct {
	// Posts hold everything but Triage, Correlation, and when and how often the
	// ledger drove them. A post deleted upstream is among them, with Deleted set.
	Posts []PostRecord
	// Damaged counts posts whose item cannot be read.
	Damaged int
	// Items counts what was looked at: everything in the table, posts or not.
	Items int
	// Units are the read request units that it cost.
	Units float64
}

// pageItems bounds a page beside DynamoDB's own 1 MB: the local engine reads all
// that is left of the table for a page without such a bound.
const pageItems = 300

// archived are the attributes that a sweep reads.
var archived = []string{attrPK, attrPost, attrBody, attrClaimed, attrPlan, attrPlanText, attrOutcome, attrDecidedAt, attrDecision, attrEdits, attrEditedAt, attrDeleted}

// Read reads one segment of a sweep (0 to Segments-1), page by page, strongly
// consistent, until each returns an error. A page may hold no post. The order is
// the table's own; it stays the same while nobody writes. Errors: Throttled,
// Unavailable, Denied, and those of each.
//
// Costs 1 RRU per 4 KB of the whole table, whatever the sweep selects: a table
// has no index by time, because that would cost every post a write.
func (a *Archive) Read(ctx context.Context, s Sweep, segment int, each func(Page) error) error {
	filter := []string{"#sk = :post", "#claimed >= :since", "#claimed < :until"}
	values := item{":post": str(skPost), ":since": str(stamp(s.Since)), ":until": str(stamp(s.Until))}
	if s.Platform != "" {
		filter = append(filter, "begins_with(#pk, :platform)")
		values[":platform"] = str(postKey(care.NewPostID(s.Platform, "")).pk)
	}
	condition := strings.Join(filter, " AND ")
	named := names(archived...)
	projection := "#" + strings.Join(archived, ", #")
	named["#sk"] = attrSK
	consistent, part, parts, most := true, int32(segment), int32(s.Segments), int32(pageItems)
	in := &dynamodb.ScanInput{
		TableName: &a.name, ConsistentRead: &consistent, Limit: &most,
		FilterExpression: &condition, ProjectionExpression: &projection,
		ExpressionAttributeNames: named, ExpressionAttributeValues: values,
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	}
	if parts > 1 {
		in.Segment, in.TotalSegments = &part, &parts
	}
	for {
		out, err := a.api.Scan(ctx, in)
		if err != nil {
			return failed("read the stored posts", err)
		}
		page := Page{Items: int(out.ScannedCount), Posts: make([]PostRecord, 0, len(out.Items))}
		if c := out.ConsumedCapacity; c != nil && c.CapacityUnits != nil {
			page.Units = *c.CapacityUnits
		}
		for _, it := range out.Items {
			r, err := postRecord(care.PostID(strings.TrimPrefix(getS(it, attrPK), "POST#")), it)
			if err != nil {
				page.Damaged++
				continue
			}
			page.Posts = append(page.Posts, r)
		}
		if err := each(page); err != nil {
			return err
		}
		if len(out.LastEvaluatedKey) == 0 {
			return nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}
