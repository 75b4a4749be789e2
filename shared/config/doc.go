// Package config holds what business users own: the brand and its intents, the
// auto-reply rules and their templates, hours, routing, and the invitation
// policy, as six YAML files.
//
// Load (and Read, which also tells where everything stands) checks the files and
// reports every mistake at once, each with its file, line and column, what was
// probably meant and what is allowed. Encode turns the result into one JSON
// document, which is what AppConfig delivers and Parse reads: the functions never
// parse YAML (measured: BenchmarkLoad against BenchmarkParse). Both ways end in the
// same checks.
package config
