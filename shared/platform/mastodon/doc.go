// Package mastodon reads and answers posts on any server with Mastodon's client
// API: Mastodon, GoToSocial, Pleroma, Akkoma and the like, on loopback too.
//
// Poll promises: with the cursor saved after publishing, every notification is
// handed over at least once, and again only when a cursor was not saved. It does
// not rely on min_id, types[], Link or rate-limit headers: servers differ.
// Send promises nothing about repeats by itself: some servers ignore
// Idempotency-Key, so after care.Unknown call Find before sending again.
//
// Needs a token with read:notifications, read:statuses, read:accounts and
// write:statuses (Mastodon docs, OAuth scopes; only "write" for sending).
package mastodon
