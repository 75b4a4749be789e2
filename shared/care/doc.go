// Package care holds the words and rules of social customer care: posts,
// authors, customers, conversations, decisions, invitations. It imports the
// standard library only; every other package speaks in these types.
//
// One word per thing, everywhere: a post is anything inbound, an interaction is
// one entry of a customer's timeline, a conversation is the interactions about
// one matter, a contact exists in Amazon Connect's sense only.
package care
