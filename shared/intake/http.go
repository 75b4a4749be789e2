package intake

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/fielder-care/fielder/shared/care"
)

// MaxBody bounds a webhook's body. Lambda takes at most 6 MB per request, a
// third of which base64 may use up (Lambda quotas, synchronous payload); Meta's
// batches of up to 1,000 updates stay below it.
const MaxBody = 4 << 20

// Webhook is what the receiver needs to know of one platform that pushes.
type Webhook struct {
	Name string // path segment: x, meta
	// Handshake answers the platform's check that we own the address.
	Handshake func(ctx context.Context, r *http.Request) (contentType string, body []byte, err error)
	// Verify checks the signature over the raw body; care.Denied when it is wrong.
	Verify func(ctx context.Context, h http.Header, body []byte) error
	// Normalise reads the body; care.Invalid when it is not the platform's form,
	// with the items that could be read all the same.
	Normalise func(ctx context.Context, body []byte, received time.Time) (care.Batch, error)
}

// Taker takes what was received.
type Taker interface {
	Take(ctx context.Context, batch care.Batch, correlation string) (Report, error)
}

// Counter counts what was refused.
type Counter interface {
	Counts(ctx context.Context, values map[string]float64, platform string)
}

// Handler builds the routes /webhooks/{platform} and /health. For each platform
// there is a handshake (GET) and a receiver (POST) that bounds the body, checks
// the signature over the raw bytes, normalises and hands over.
//
// Answers: 200 with counts when everything is durable, 400 for a body that is
// not what the platform sends, 401 for a wrong signature, 413 for one that is
// too large, 503 when something could not be stored, so that the platform sends
// it again.
func Handler(taker Taker, counter Counter, clock func() time.Time, correlation func(context.Context) string, platforms ...Webhook) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, r *http.Request) {
		answer(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	for _, p := range platforms {
		path := "/webhooks/" + p.Name
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			ct, body, err := p.Handshake(r.Context(), r)
			if err != nil {
				refuse(r.Context(), w, counter, p.Name, err)
				return
			}
			w.Header().Set("Content-Type", ct)
			w.Header().Set("X-Content-Type-Options", "nosniff")
			w.Write(body)
		})
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			ctx := r.Context()
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
			var tooLarge *http.MaxBytesError
			if errors.As(err, &tooLarge) {
				count(ctx, counter, p.Name, "RequestsRejected")
				answer(w, http.StatusRequestEntityTooLarge, problem{"the body is over 4 MiB"})
				return
			}
			if err != nil {
				count(ctx, counter, p.Name, "RequestsRejected")
				answer(w, http.StatusBadRequest, problem{"the body could not be read"})
				return
			}
			if err := p.Verify(ctx, r.Header, body); err != nil {
				refuse(ctx, w, counter, p.Name, err)
				return
			}
			batch, faulty := p.Normalise(ctx, body, clock())
			if faulty != nil && len(batch.Items) == 0 {
				refuse(ctx, w, counter, p.Name, faulty)
				return
			}
			report, err := taker.Take(ctx, batch, correlation(ctx))
			if faulty != nil && err == nil {
				// Part of the body is readable and durable now. Refusing the rest
				// would only bring the same body again: it is counted and logged.
				count(ctx, counter, p.Name, "ItemsUnreadable")
				slog.ErrorContext(ctx, "part of a body cannot be read", "platform", p.Name, "error", faulty.Error())
			}
			if err != nil {
				refuse(ctx, w, counter, p.Name, err)
				return
			}
			answer(w, http.StatusOK, report)
		})
	}
	return mux
}

type problem struct {
	Error string `json:"error"`
}

// refuse answers with the status that the error's code stands for. The text of
// an error is shown only when it speaks about the request.
func refuse(ctx context.Context, w http.ResponseWriter, counter Counter, platform string, err error) {
	switch code := care.CodeOf(err); code {
	case care.Denied:
		count(ctx, counter, platform, "RequestsRejected")
		answer(w, http.StatusUnauthorized, problem{message(err)})
	case care.Invalid:
		count(ctx, counter, platform, "RequestsRejected")
		answer(w, http.StatusBadRequest, problem{message(err)})
	case care.NotFound:
		answer(w, http.StatusNotFound, problem{message(err)})
	default:
		count(ctx, counter, platform, "NotDurable")
		slog.ErrorContext(ctx, "webhook not durable", "platform", platform, "code", string(code), "error", err.Error())
		w.Header().Set("Retry-After", "5")
		answer(w, http.StatusServiceUnavailable, problem{"it could not be stored; send it again"})
	}
}

func message(err error) string {
	var e *care.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return "refused"
}

func count(ctx context.Context, c Counter, platform, name string) {
	c.Counts(ctx, map[string]float64{name: 1}, platform)
}

func answer(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"error":"internal error"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(b)
}
