// Package local runs Fielder's synthesised CloudFormation template on one
// machine: the very function binaries as processes, the workflows, the event
// bus, queues, schedules, HTTP API, configuration and secrets, with DynamoDB
// from a real engine. Every AWS call is checked against the caller's role in
// the template, counted with what it would cost, and may be made to fail.
//
// It supports what the template uses. Anything else (a resource, a property, a
// policy condition, a call) is an error that names it, never ignored; what has
// no meaning on a laptop is listed in load.go with the reason.
//
// Known differences from AWS, beyond speed: executions of the same state
// machine definition that were in flight when the stack stopped go on from the
// state they were in, with its waits begun anew (Express ones are lost, as after
// a crash on AWS; the ledger finds their posts); the time-to-live of items is
// stored but nothing is deleted by it; readers of a configuration are asked to
// come back after a second, not after a minute, and only the newest deployment
// of a configuration can be reverted; signatures of requests are not verified,
// the access key alone names the caller.
package local
