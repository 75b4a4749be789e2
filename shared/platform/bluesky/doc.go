// Package bluesky reads and answers posts through any Bluesky PDS with an
// AppView behind it, self-hosted and on loopback too, and direct messages where
// the account has them.
//
// Poll promises: with the cursor saved after publishing, every notification is
// handed over at least once, and again only when a cursor was not saved. The
// AppView orders notifications by the earlier of the claimed and the indexed
// time, so that a late one appears below newer ones; the cursor therefore
// remembers what was handed over lately and looks below its mark (see cursor).
//
// Send makes a post under a record key derived from Outgoing.Key, so that the
// same key is the same post however often it is sent. A direct message has no
// such key: after care.Unknown call Find before sending again.
package bluesky
