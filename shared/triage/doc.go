// Package triage looks at one post and says what it is: does it concern us, in
// which language, in what mood, what it wants, how grave it is, whether it holds
// personal data, how far its author reaches, and how urgent all that makes it.
// Every signal comes with a reason in a whole sentence.
//
// It works with word lists, phrase patterns and rules, all built into the
// binary, and with the brand's own words from config. It needs no network and
// no memory of earlier posts: the same post under the same config always gets
// the same triage. The edge (webhook, poller) and the intake workflow run the
// same code; Triage.Obvious says what the edge may decide alone.
package triage
