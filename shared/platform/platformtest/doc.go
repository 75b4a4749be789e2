// Package platformtest states what every adapter promises, as suites that run
// against any server: a fake with the platform's real semantics in the adapter's
// own tests, or a real test server.
//
// A poller loses nothing and repeats only what it was not allowed to remember. A
// sender says a thing at most once when its caller follows the protocol of Say:
// send; where it is unknown what happened, find before sending again.
package platformtest
