// Package config holds what business users own: the brand and its intents, the
// auto-reply rules and their templates, hours, routing, and the invitation
// policy, as six YAML files.
//
// Load reads and checks the files and reports every mistake at once, each with
// its file, line and column and, where a name is close to a known one, a
// suggestion. Encode turns the result into one JSON document, which is what
// AppConfig delivers and Parse reads: the functions never parse YAML (measured:
// BenchmarkLoad against BenchmarkParse). Both ways end in the same checks.
package config
