package standin

import (
	"net/http"
	"strings"
	"testing"
)

// TestSeedForms: every form in which X and Meta tell of posts puts them into the
// threads, so that they can be answered. The bodies come over HTTP, as "fielder
// ingest" sends them.
func TestSeedForms(t *testing.T) {
	v := start(t, nil)
	for _, r := range []struct {
		name, route, body string
		status            int
		want              []string // "platform id author"
	}{
		{"OK X event", "x", `{"data":{"event_type":"post.mention.create","payload":{"id":"1","author_id":"9","text":"a"}}}`, 204, []string{"x 1 9"}},
		{"OK X several events", "x", `{"data":[{"event_type":"post.mention.create","payload":{"id":"2","author_id":"9","text":"a"}},{"event_type":"post.reply.create","payload":{"id":"3","author_id":"8","text":"b"}}]}`, 204, []string{"x 2 9", "x 3 8"}},
		{"OK X list of bodies", "x", `[{"data":{"event_type":"post.create","payload":{"id":"4","author_id":"9","text":"a"}}},{"event_type":"post.create","payload":{"id":"5","author_id":"9","text":"a"}}]`, 204, []string{"x 4 9", "x 5 9"}},
		{"OK X direct message as listed", "x", `{"data":{"event_type":"dm.received","payload":{"id":"6","sender_id":"7","text":"a","dm_conversation_id":"7-7001001","created_at":"2026-11-17T08:00:00Z"}}}`, 204, []string{"x 6 7"}},
		{"OK Account Activity", "x", `{"for_user_id":"7001001","tweet_create_events":[{"id_str":"8","text":"@VeloriaCare a","user":{"id_str":"9","screen_name":"n"},"timestamp_ms":"1795000000000","entities":{"user_mentions":[{"id_str":"7001001","screen_name":"VeloriaCare","indices":[0,12]}]}}]}`, 204, []string{"x 8 9"}},
		{"OK Account Activity direct message", "x", `{"direct_message_events":[{"id":"10","created_timestamp":"1795000000000","message_create":{"sender_id":"9","target":{"recipient_id":"7001001"},"message_data":{"text":"a"}}}]}`, 204, []string{"x 10 9"}},
		{"OK Facebook mention", "meta", `{"object":"page","entry":[{"changes":[{"field":"mention","value":{"verb":"add","post_id":"44_1","sender_id":"55","message":"a"}}]}]}`, 204, []string{"facebook 44_1 55"}},
		{"OK Facebook recommendation", "meta", `{"object":"page","entry":[{"changes":[{"field":"ratings","value":{"verb":"add","open_graph_story_id":"66","reviewer_id":"55","review_text":"a"}}]}]}`, 204, []string{"facebook 66 55"}},
		{"OK Messenger item alone", "meta", `{"sender":{"id":"55"},"recipient":{"id":"7002001"},"timestamp":1795000000000,"message":{"mid":"m1","text":"a"}}`, 204, []string{"messenger m1 55"}},
		{"OK Messenger button", "meta", `{"object":"page","entry":[{"id":"7002001","messaging":[{"sender":{"id":"56"},"recipient":{"id":"7002001"},"timestamp":1795000000000,"postback":{"mid":"m2","title":"a"}}]}]}`, 204, []string{"messenger m2 56"}},
		{"OK Instagram changes", "meta", `{"object":"instagram","entry":[{"id":"7003001","changes":[{"field":"messages","value":{"sender":{"id":"57"},"recipient":{"id":"7003001"},"timestamp":"1795000000","message":{"mid":"i1","text":"a"}}}]}]}`, 204, []string{"instagram i1 57"}},
		{"OK Instagram under a page", "meta", `{"object":"page","entry":[{"id":"7003001","messaging":[{"sender":{"id":"57"},"recipient":{"id":"7003001"},"timestamp":1795000000000,"message":{"mid":"i2","text":"a"}}]}]}`, 204, []string{"instagram i2 57"}},
		{"OK Instagram live", "meta", `{"object":"instagram","entry":[{"id":"7003001","changes":[{"field":"live_comments","value":{"id":"c1","text":"a","from":{"id":"58"},"media":{"id":"77"}}}]}]}`, 204, []string{"instagram c1 58"}},
		{"OK nothing to know", "meta", `{"object":"page","entry":[]}`, 204, nil},
		{"ErrNotJSON", "x", `{"data"`, 400, nil},
		{"ErrNoPlatform", "myspace", `{}`, 404, nil},
	} {
		t.Run(r.name, func(t *testing.T) {
			res, err := http.Post(v.http.URL+"/standin/seed/"+r.route, "application/json", strings.NewReader(r.body))
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != r.status {
				t.Fatalf("status %d, want %d", res.StatusCode, r.status)
			}
			v.Standin.mu.Lock()
			defer v.Standin.mu.Unlock()
			for _, want := range r.want {
				f := strings.Fields(want)
				p := v.find(f[0], f[1])
				if p == nil || p.by.ID != f[2] || p.text == "" || p.own {
					t.Errorf("%s is not there: %+v", want, p)
				}
			}
		})
	}
	if got := v.Replies(); len(got) != 0 {
		t.Errorf("%d of them count as ours", len(got))
	}
}
