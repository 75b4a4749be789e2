// Package idempotency makes a piece of work happen once, however often it is
// asked for, repeated or killed half-way.
//
// The protocol: an attempt claims the work's key for itself (in progress, with
// an owner token and a deadline), marks the phase that it is about to enter
// ("sending": from here on others may have seen an effect), and either completes
// the key with its result or releases it. A repeat of completed work gets the
// stored result. A repeat while an attempt is at it is Busy. An attempt whose
// deadline passed (killed, timed out) can be taken over; the taker learns which
// phase was reached, and so whether it must look (read back) before it acts.
// Every write is conditional on the owner: an attempt that outlived its
// deadline can neither complete nor release the work of its successor.
//
// The key is never recorded as done before the work is done. What this cannot
// give is exactly-once on a platform that offers neither an idempotency key nor
// a way to read back; the phase tells the caller when it is in that corner.
package idempotency

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"time"

	"github.com/fielder-care/fielder/shared/care"
)

// Record is the state of one key.
type Record struct {
	Key   string
	Owner string // token of the attempt that has it, "" when released
	// Deadline is when the owner's attempt may be taken over.
	Deadline time.Time
	// Phase is the last phase that any attempt marked, "" when none did.
	Phase string
	// Since is when the first attempt began.
	Since time.Time
	// Attempts counts claims, the present one included.
	Attempts int
	Done     bool
	Result   json.RawMessage // of a completed key
	// Expires is when the key may be forgotten.
	Expires time.Time
}

// Store keeps the records. Errors are care.Errors.
type Store interface {
	// ClaimWork makes owner the owner of a key that is new, released, past its
	// deadline or past its expiry, and returns its record with won true. Phase
	// and Since of earlier attempts stay, unless the key had expired. Otherwise
	// it returns the record that is there (done, or held by another), and won
	// is false.
	ClaimWork(ctx context.Context, key, owner string, deadline, expires time.Time) (r Record, won bool, err error)
	// SaveWork stores r's Phase, or with Done its Result, on condition that
	// r.Owner has the key and that it is not done; else Conflict. Completing a
	// key again with the same owner and result is fine.
	SaveWork(ctx context.Context, r Record) error
	// ReleaseWork gives a key that is not done back: it is forgotten when no
	// phase was marked, else the next attempt may claim it at once and learns the
	// phase. Conflict when r.Owner no longer has it.
	ReleaseWork(ctx context.Context, r Record) error
}

// Times of the protocol.
const (
	// longest is how long an attempt holds a key when its context has no
	// deadline: Lambda's longest time-out ("quotas", function timeout).
	longest = 15 * time.Minute
	// margin is added to the context's deadline: a killed process may have a
	// request on the wire, and two machines' clocks may differ.
	margin = 5 * time.Second
	// keep is how long a key is remembered. Platforms redeliver for a day at
	// most, a workflow's execution names are unique for 90.
	keep = 90 * 24 * time.Hour
	// last is what completing or releasing may take after the context is done.
	last = 2 * time.Second
)

// Keeper runs the protocol over a store.
type Keeper struct {
	store Store
	clock func() time.Time
}

// New returns a keeper; clock says what time it is by the store's reckoning.
func New(store Store, clock func() time.Time) *Keeper { return &Keeper{store: store, clock: clock} }

// Attempt is one attempt at a piece of work. It is not safe for concurrent use.
type Attempt struct {
	keeper  *Keeper
	record  Record
	earlier string
}

// Begin claims a key until the context's deadline. An attempt that is Done needs
// no work: its Result is that of an earlier one. Errors: Busy (another attempt
// is at it), and the store's.
func (k *Keeper) Begin(ctx context.Context, key string) (*Attempt, error) {
	if key == "" {
		return nil, care.Errorf(care.Invalid, "work needs a key")
	}
	now := k.clock()
	hold := longest
	if deadline, ok := ctx.Deadline(); ok {
		hold = time.Until(deadline) + margin // the clock may be virtual, the deadline never is
	}
	r, won, err := k.store.ClaimWork(ctx, key, rand.Text(), now.Add(hold), now.Add(keep))
	if err != nil {
		return nil, err
	}
	if !won && !r.Done {
		return nil, care.Errorf(care.Busy, "another attempt is at it until %s", r.Deadline.UTC().Format(time.RFC3339))
	}
	return &Attempt{keeper: k, record: r, earlier: r.Phase}, nil
}

// Done is true when the work was completed by an earlier attempt.
func (a *Attempt) Done() bool { return a.record.Done }

// Result decodes the stored result of completed work.
func (a *Attempt) Result(into any) error {
	if err := json.Unmarshal(a.record.Result, into); err != nil {
		return care.Errorf(care.Internal, "the stored result cannot be read: %w", err)
	}
	return nil
}

// Earlier is the last phase that an earlier attempt marked before it was
// released or lost, "" when none did; since is when the first attempt began.
func (a *Attempt) Earlier() (phase string, since time.Time) { return a.earlier, a.record.Since }

// Since is when the first attempt at this work began.
func (a *Attempt) Since() time.Time { return a.record.Since }

// Attempts counts the attempts so far, this one included.
func (a *Attempt) Attempts() int { return a.record.Attempts }

// Mark records the phase that is about to begin. Marking "" says that, for
// certain, nothing of what was marked happened, so that the next attempt need
// not look. Errors: Conflict (the key was taken over: stop), and the store's:
// whoever cannot mark must not go on.
func (a *Attempt) Mark(ctx context.Context, phase string) error {
	r := a.record
	r.Phase = phase
	if err := a.keeper.store.SaveWork(ctx, r); err != nil {
		return err
	}
	a.record = r
	return nil
}

// Complete stores the result; repeats of the work get it from then on. It tries
// for a moment longer than the context allows, because the work is done.
// Errors: Conflict (the key was taken over), and the store's.
func (a *Attempt) Complete(ctx context.Context, result any) error {
	b, err := json.Marshal(result)
	if err != nil {
		return care.Errorf(care.Internal, "the result cannot be stored: %w", err)
	}
	r := a.record
	r.Done, r.Result = true, b
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), last)
	defer cancel()
	if err := a.keeper.store.SaveWork(ctx, r); err != nil {
		return err
	}
	a.record = r
	return nil
}

// Release gives the work back undone. The phase stays known. Errors: Conflict
// (the key was taken over), and the store's.
func (a *Attempt) Release(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), last)
	defer cancel()
	return a.keeper.store.ReleaseWork(ctx, a.record)
}

// Do does a piece of work once. repeated is true when the result is that of an
// earlier attempt. When fn fails, the key is released with the phase it marked,
// and fn's error is returned. When the work is done but cannot be recorded, the
// error is Unknown: the next attempt finds the phase and looks.
//
// fn must Mark a phase before anything that others can see, and look at
// Earlier before that.
func Do[T any](ctx context.Context, k *Keeper, key string, fn func(context.Context, *Attempt) (T, error)) (result T, repeated bool, err error) {
	a, err := k.Begin(ctx, key)
	if err != nil {
		return result, false, err
	}
	if a.Done() {
		return result, true, a.Result(&result)
	}
	result, err = fn(ctx, a)
	if err != nil {
		// A release that fails costs the next attempt a wait, nothing else.
		_ = a.Release(ctx)
		return result, false, err
	}
	if err := a.Complete(ctx, result); err != nil {
		return result, false, care.Errorf(care.Unknown, "the work is done, but that could not be recorded: %w", err)
	}
	return result, false, nil
}
