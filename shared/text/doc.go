// Package text takes foreign text apart: it folds spelling tricks away, cuts
// text into tokens, finds words and phrases at word boundaries, names the
// language, and finds and hides personal data.
//
// It knows nothing of brands or care. Nothing is compiled or parsed when the
// program starts: word lists are Go data that become tables on first use, so a
// function that never reads a post pays nothing. Everything here is safe for
// concurrent use except Doc, which belongs to one goroutine at a time, and the
// builders (Vocab.Add, Trie.Add), which must be done before the first lookup.
package text
