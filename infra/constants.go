package main

// What more than one file must agree on. A physical name is given only where
// something outside the template needs it; the reason stands beside it.

const (
	// product prefixes every physical name, and is the value of the tag "app".
	product = "fielder"

	// The table's keys (design section 7); shared/store/keys.go says what is in them.
	partitionKey  = "pk"
	sortKey       = "sk"
	ttlAttribute  = "expires"
	dueIndex      = "gsi1" // sparse: undecided posts, queues by due time
	duePartition  = "gsi1pk"
	dueSort       = "gsi1sk"
	metadataKey   = "fielder" // resource metadata for the policy tests and the local stack
	appConfigKind = "AWS.Freeform"
)

// The functions.
const (
	webhook  = "webhook"
	poller   = "poller"
	triage   = "triage"
	match    = "match"
	reply    = "reply"
	escalate = "escalate"
	send     = "send"
	invite   = "invite"
	contact  = "contact"
	lookup   = "lookup"
	ledger   = "ledger"
	validate = "validate"
	panel    = "panel" // where an identity provider is named, see Panel
)

// functionNames lists the functions in the order of a post's way through them, and
// last the one that AppConfig asks before a bundle is rolled out.
var functionNames = []string{webhook, poller, triage, match, reply, escalate, send, invite, contact, lookup, ledger, panel, validate}

// The workflows, by the name of their file in workflow/.
const (
	intake     = "intake"
	later      = "later"
	escalation = "escalation"
	followup   = "followup"
)

// The functions' environment.
const (
	envStage           = "FIELDER_STAGE"
	envTable           = "FIELDER_TABLE"
	envBus             = "FIELDER_BUS"
	envConfig          = "FIELDER_CONFIG" // "<application id>/<environment id>/<profile id>"
	envSecretIngest    = "FIELDER_SECRET_INGEST"
	envSecretRead      = "FIELDER_SECRET_READ"
	envSecretWrite     = "FIELDER_SECRET_WRITE"
	envParkedQueue     = "FIELDER_PARKED_QUEUE"
	envFollowupMachine = "FIELDER_FOLLOWUP_MACHINE"
	envSendFunction    = "FIELDER_SEND_FUNCTION"
	envGroupsClaim     = "FIELDER_PANEL_GROUPS_CLAIM"
	envConnectInstance = "FIELDER_CONNECT_INSTANCE"
	envConnectFlow     = "FIELDER_CONNECT_FLOW"
)

// The business metrics, as the functions write them in embedded metric format:
// namespace "Fielder/<stage>", dimension "function", where it helps also
// "platform". Only the ones that an alarm or a dashboard reads are listed.
const (
	metricNamespace      = "Fielder"
	dimensionFunction    = "function"
	dimensionPlatform    = "platform"
	metricReceived       = "PostsReceived"       // webhook, poller; per platform
	metricIgnored        = "PostsIgnored"        // webhook, poller: decided at the edge; per platform
	metricRejected       = "RequestsRejected"    // webhook: bad signature, body or size
	metricRepliesSent    = "RepliesSent"         // send; per platform
	metricRepliesRefused = "RepliesRefused"      // send; per platform
	metricRepliesParked  = "RepliesParked"       // send; per platform
	metricEscalated      = "Escalated"           // escalate
	metricWarned         = "SLAWarned"           // escalate
	metricBreached       = "SLABreached"         // escalate
	metricResolved       = "Resolved"            // escalate
	metricInvited        = "InvitationsSent"     // invite
	metricWithheld       = "InvitationsWithheld" // invite
	metricLookups        = "Lookups"             // lookup
	metricLookupHistory  = "LookupsWithHistory"  // lookup
	metricUnaccounted    = "PostsUnaccounted"    // ledger: posts without a decision after ten minutes; written on every run, also when 0
	metricRedriven       = "PostsRedriven"       // ledger
	metricRefusedConfig  = "ConfigRefused"       // every function with a config, also without a dimension: once per version and instance
)
