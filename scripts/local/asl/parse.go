package asl

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Machine is a parsed definition. It may run many executions at once.
type Machine struct {
	graph   *graph
	timeout time.Duration // 0: none
	all     []*state
}

// graph is a StartAt with its States: the machine's own, a branch's or an item
// processor's.
type graph struct {
	start  string
	states map[string]*state
}

type state struct {
	name, kind string
	next       string // "" ends the graph

	input, output *optionalPath
	parameters    template // Parameters, or ItemSelector of a Map
	selector      template // ResultSelector
	result        *any     // Result of a Pass
	resultPath    *optionalPath
	assign        template

	choices  []choice
	fallback string // Default

	seconds     *int64
	secondsPath *path
	until       *time.Time
	untilPath   *path

	err, cause         string
	errPath, causePath *expr

	resource      string
	token         bool // .waitForTaskToken
	timeout       *int64
	timeoutPath   *path
	heartbeat     *int64
	heartbeatPath *path
	retry         []*retrier
	catch         []catcher

	branches        []*graph
	items           *path // ItemsPath
	concurrency     int64
	concurrencyPath *path
	distributed     bool
	tolerant        bool // some failures are tolerated
	tolerateCount   *path
	toleratePercent *path
}

// optionalPath is a path field that may also be null. The nil pointer is absent.
type optionalPath struct{ path *path }

type retrier struct {
	errors   []string
	interval time.Duration
	attempts int64
	rate     float64
	maxDelay time.Duration // 0: none
	jitter   bool
}

type catcher struct {
	errors     []string
	next       string
	resultPath *optionalPath
	assign     template
}

// Resources lists what the machine's tasks call, sorted, each once.
func (m *Machine) Resources() []string {
	set := map[string]bool{}
	for _, s := range m.all {
		if s.kind == "Task" {
			set[s.resource] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// TokenStates lists the states that wait for a task token, sorted. An Express
// workflow may have none.
func (m *Machine) TokenStates() []string {
	var out []string
	for _, s := range m.all {
		if s.token {
			out = append(out, s.name)
		}
	}
	slices.Sort(out)
	return out
}

// ErrorNames lists every name in an ErrorEquals, sorted, each once.
func (m *Machine) ErrorNames() []string {
	set := map[string]bool{}
	for _, s := range m.all {
		for _, r := range s.retry {
			for _, e := range r.errors {
				set[e] = true
			}
		}
		for _, c := range s.catch {
			for _, e := range c.errors {
				set[e] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(set))
}

func parseMachine(def []byte) (*Machine, error) {
	f, err := newFields("", def)
	if err != nil {
		return nil, err
	}
	if err := f.only("Comment", "StartAt", "States", "Version", "TimeoutSeconds", "QueryLanguage"); err != nil {
		return nil, err
	}
	if err := f.jsonPath(); err != nil {
		return nil, err
	}
	if f.has("Version") {
		if v, err := f.str("Version"); err != nil || v != "1.0" {
			return nil, f.errorf("Version", "must be \"1.0\"")
		}
	}
	m := &Machine{}
	seconds, err := f.integer("TimeoutSeconds", 1, maxSeconds)
	if err != nil {
		return nil, err
	}
	if seconds != nil {
		m.timeout = time.Duration(*seconds) * time.Second
	}
	p := parser{names: map[string]bool{}, machine: m}
	m.graph, err = p.graph(f, nil)
	return m, err
}

// maxSeconds bounds waits and timeouts (Step Functions docs: 99,999,999).
const maxSeconds = 99_999_999

// maxDepth bounds the nesting of branches and processors.
const maxDepth = 50

type parser struct {
	machine *Machine
	names   map[string]bool
	depth   int
}

// graph reads StartAt and States. outer are the variables assigned outside.
func (p *parser) graph(f *fields, outer map[string]bool) (*graph, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, f.errorf("States", "nested deeper than %d", maxDepth)
	}
	defer func() { p.depth-- }()
	start, err := f.str("StartAt")
	if err != nil {
		return nil, err
	}
	states, err := f.object("States")
	if err != nil {
		return nil, err
	}
	g := &graph{start: start, states: map[string]*state{}}
	// Variables of this scope, so that an inner one cannot hide them.
	inner := maps.Clone(outer)
	if inner == nil {
		inner = map[string]bool{}
	}
	names := slices.Sorted(maps.Keys(states.raw))
	parsed := map[string]*fields{}
	for _, name := range names {
		sf, err := newFields(name, states.raw[name])
		if err != nil {
			return nil, err
		}
		parsed[name] = sf
		for _, v := range assigned(states.raw[name]) {
			if outer[v] {
				return nil, sf.errorf("Assign", "the variable %q is already assigned in an outer scope", v)
			}
			inner[v] = true
		}
	}
	for _, name := range names {
		if len([]rune(name)) > 80 {
			return nil, fmt.Errorf("state %q: the name is longer than 80 characters", name)
		}
		if p.names[name] {
			return nil, fmt.Errorf("state %q: the name is used twice", name)
		}
		p.names[name] = true
		s, err := p.state(parsed[name], inner)
		if err != nil {
			return nil, err
		}
		g.states[name] = s
		p.machine.all = append(p.machine.all, s)
	}
	return g, g.check(f)
}

// assigned lists the variables that a state assigns, in Assign fields of its
// own, its choices and its catchers.
func assigned(raw json.RawMessage) []string {
	type assigns struct {
		Assign map[string]json.RawMessage
	}
	var s struct {
		assigns
		Choices, Catch []assigns
	}
	// Whatever is of another type is found by the parser proper.
	_ = json.Unmarshal(raw, &s)
	var out []string
	for _, a := range slices.Concat([]assigns{s.assigns}, s.Choices, s.Catch) {
		for name := range a.Assign {
			out = append(out, strings.TrimSuffix(name, ".$"))
		}
	}
	return out
}

// check sees that every transition has a target and every state a way to it.
func (g *graph) check(f *fields) error {
	if g.states[g.start] == nil {
		return f.errorf("StartAt", "there is no state %q", g.start)
	}
	reached := map[string]bool{}
	todo := []string{g.start}
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		if reached[name] {
			continue
		}
		reached[name] = true
		for _, next := range g.states[name].targets() {
			if g.states[next] == nil {
				return fmt.Errorf("state %q: there is no state %q to go to", name, next)
			}
			todo = append(todo, next)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(g.states)) {
		if !reached[name] {
			return fmt.Errorf("state %q: is not reachable", name)
		}
	}
	return nil
}

func (s *state) targets() []string {
	var out []string
	if s.next != "" {
		out = append(out, s.next)
	}
	if s.fallback != "" {
		out = append(out, s.fallback)
	}
	for _, c := range s.choices {
		out = append(out, c.next)
	}
	for _, c := range s.catch {
		out = append(out, c.next)
	}
	return out
}

var (
	commonFields   = []string{"Type", "Comment", "QueryLanguage"}
	ioFields       = append([]string{"InputPath", "OutputPath", "Assign"}, commonFields...)
	nextFields     = append([]string{"Next", "End"}, ioFields...)
	handlingFields = append([]string{"ResultSelector", "ResultPath", "Retry", "Catch"}, nextFields...)
)

// stateFields lists the fields of each state type.
var stateFields = map[string][]string{
	"Pass":     append([]string{"Result", "ResultPath", "Parameters"}, nextFields...),
	"Task":     append([]string{"Resource", "Parameters", "TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath"}, handlingFields...),
	"Choice":   append([]string{"Choices", "Default"}, ioFields...),
	"Wait":     append([]string{"Seconds", "SecondsPath", "Timestamp", "TimestampPath"}, nextFields...),
	"Succeed":  append([]string{"InputPath", "OutputPath"}, commonFields...),
	"Fail":     append([]string{"Error", "ErrorPath", "Cause", "CausePath"}, commonFields...),
	"Parallel": append([]string{"Branches", "Parameters"}, handlingFields...),
	"Map": append([]string{"ItemsPath", "ItemSelector", "Parameters", "ItemProcessor", "Iterator", "MaxConcurrency", "MaxConcurrencyPath", "Label",
		"ToleratedFailureCount", "ToleratedFailureCountPath", "ToleratedFailurePercentage", "ToleratedFailurePercentagePath"}, handlingFields...),
}

func (p *parser) state(f *fields, vars map[string]bool) (*state, error) {
	kind, err := f.str("Type")
	if err != nil {
		return nil, err
	}
	allowed, ok := stateFields[kind]
	if !ok {
		return nil, f.errorf("Type", "unknown state type %q", kind)
	}
	if err := f.only(allowed...); err != nil {
		return nil, err
	}
	if err := f.jsonPath(); err != nil {
		return nil, err
	}
	s := &state{name: f.state, kind: kind}
	if s.next, err = f.next(slices.Contains(allowed, "Next")); err != nil {
		return nil, err
	}
	for field, to := range map[string]**optionalPath{"InputPath": &s.input, "OutputPath": &s.output} {
		if *to, err = f.optionalPath(field, parsePath); err != nil {
			return nil, err
		}
	}
	if s.resultPath, err = f.optionalPath("ResultPath", parseReference); err != nil {
		return nil, err
	}
	for field, to := range map[string]*template{"Parameters": &s.parameters, "ResultSelector": &s.selector} {
		if *to, err = f.template(field); err != nil {
			return nil, err
		}
	}
	if s.assign, err = f.assign(); err != nil {
		return nil, err
	}
	if err := f.retriers(s); err != nil {
		return nil, err
	}
	if err := f.catchers(s); err != nil {
		return nil, err
	}
	switch kind {
	case "Pass":
		if f.has("Result") {
			v, err := decode(f.raw["Result"])
			if err != nil {
				return nil, f.errorf("Result", "%v", err)
			}
			s.result = &v
		}
	case "Task":
		err = f.task(s)
	case "Choice":
		err = f.choice(s)
	case "Wait":
		err = f.wait(s)
	case "Fail":
		err = f.fail(s)
	case "Parallel":
		err = p.parallel(f, s, vars)
	case "Map":
		err = p.mapState(f, s, vars)
	}
	return s, err
}

func (f *fields) task(s *state) (err error) {
	if s.resource, err = f.str("Resource"); err != nil {
		return err
	}
	if !strings.HasPrefix(s.resource, "arn:") {
		return f.errorf("Resource", "%q is not an ARN", s.resource)
	}
	for _, no := range []string{":activity:", ".sync"} {
		if strings.Contains(s.resource, no) {
			return f.errorf("Resource", "%q: %s is not supported", s.resource, strings.Trim(no, ":"))
		}
	}
	s.token = strings.HasSuffix(s.resource, ".waitForTaskToken")
	for _, field := range []struct {
		name string
		n    **int64
		p    **path
	}{{"TimeoutSeconds", &s.timeout, &s.timeoutPath}, {"HeartbeatSeconds", &s.heartbeat, &s.heartbeatPath}} {
		if *field.n, err = f.integer(field.name, 1, maxSeconds); err != nil {
			return err
		}
		if *field.p, err = f.path(field.name + "Path"); err != nil {
			return err
		}
		if *field.n != nil && *field.p != nil {
			return f.errorf(field.name, "cannot go with %sPath", field.name)
		}
	}
	if s.timeout != nil && s.heartbeat != nil && *s.heartbeat >= *s.timeout {
		return f.errorf("HeartbeatSeconds", "must be less than TimeoutSeconds")
	}
	return nil
}

func (f *fields) choice(s *state) error {
	rules, err := f.objects("Choices")
	if err != nil {
		return err
	}
	if len(rules) == 0 {
		return f.errorf("Choices", "must not be empty")
	}
	for _, rule := range rules {
		var c choice
		if c.test, err = parseCondition(rule, "Next", "Assign"); err != nil {
			return err
		}
		if c.next, err = rule.str("Next"); err != nil {
			return err
		}
		if c.assign, err = rule.assign(); err != nil {
			return err
		}
		s.choices = append(s.choices, c)
	}
	if f.has("Default") {
		s.fallback, err = f.str("Default")
	}
	return err
}

func (f *fields) wait(s *state) (err error) {
	given := 0
	for _, name := range []string{"Seconds", "SecondsPath", "Timestamp", "TimestampPath"} {
		if f.has(name) {
			given++
		}
	}
	if given != 1 {
		return f.errorf("Type", "a Wait needs exactly one of Seconds, SecondsPath, Timestamp, TimestampPath")
	}
	if s.seconds, err = f.integer("Seconds", 0, maxSeconds); err != nil {
		return err
	}
	if s.secondsPath, err = f.path("SecondsPath"); err != nil {
		return err
	}
	if s.untilPath, err = f.path("TimestampPath"); err != nil {
		return err
	}
	if f.has("Timestamp") {
		v, err := f.str("Timestamp")
		if err != nil {
			return err
		}
		t, ok := timestamp(v)
		if !ok {
			return f.errorf("Timestamp", "%q is not an RFC 3339 time", v)
		}
		s.until = &t
	}
	return nil
}

func (f *fields) fail(s *state) (err error) {
	for _, field := range []struct {
		name string
		s    *string
		e    **expr
	}{{"Error", &s.err, &s.errPath}, {"Cause", &s.cause, &s.causePath}} {
		if f.has(field.name) && f.has(field.name+"Path") {
			return f.errorf(field.name, "cannot go with %sPath", field.name)
		}
		if f.has(field.name) {
			if *field.s, err = f.str(field.name); err != nil {
				return err
			}
		}
		if f.has(field.name + "Path") {
			src, err := f.str(field.name + "Path")
			if err != nil {
				return err
			}
			if *field.e, err = parseExpr(src); err != nil {
				return f.errorf(field.name+"Path", "%v", err)
			}
		}
	}
	return nil
}

func (p *parser) parallel(f *fields, s *state, vars map[string]bool) error {
	branches, err := f.objects("Branches")
	if err != nil {
		return err
	}
	if len(branches) == 0 {
		return f.errorf("Branches", "must not be empty")
	}
	for _, b := range branches {
		if err := b.only("Comment", "StartAt", "States"); err != nil {
			return err
		}
		g, err := p.graph(b, vars)
		if err != nil {
			return err
		}
		s.branches = append(s.branches, g)
	}
	return nil
}

func (p *parser) mapState(f *fields, s *state, vars map[string]bool) error {
	name := "ItemProcessor"
	if f.has("Iterator") {
		name = "Iterator"
	}
	if f.has("Iterator") && f.has("ItemProcessor") {
		return f.errorf("Iterator", "cannot go with ItemProcessor")
	}
	if f.has("ItemSelector") {
		if s.parameters != nil {
			return f.errorf("ItemSelector", "cannot go with Parameters")
		}
		t, err := f.template("ItemSelector")
		if err != nil {
			return err
		}
		s.parameters = t
	}
	processor, err := f.object(name)
	if err != nil {
		return err
	}
	if err := processor.only("Comment", "StartAt", "States", "ProcessorConfig"); err != nil {
		return err
	}
	if processor.has("ProcessorConfig") {
		config, err := processor.object("ProcessorConfig")
		if err != nil {
			return err
		}
		if err := config.only("Mode", "ExecutionType"); err != nil {
			return err
		}
		mode, err := config.str("Mode")
		if err != nil {
			return err
		}
		if mode != "INLINE" && mode != "DISTRIBUTED" {
			return config.errorf("Mode", "unknown mode %q", mode)
		}
		if s.distributed = mode == "DISTRIBUTED"; s.distributed {
			if t, err := config.str("ExecutionType"); err != nil || t != "STANDARD" && t != "EXPRESS" {
				return config.errorf("ExecutionType", "must be STANDARD or EXPRESS")
			}
			// Its children are executions of their own: they see no variable of ours.
			vars = nil
		} else if config.has("ExecutionType") {
			return config.errorf("ExecutionType", "goes with Mode DISTRIBUTED only")
		}
	}
	g, err := p.graph(processor, vars)
	if err != nil {
		return err
	}
	s.branches = []*graph{g}
	if s.items, err = f.path("ItemsPath"); err != nil {
		return err
	}
	n, err := f.integer("MaxConcurrency", 0, 1<<31)
	if err != nil {
		return err
	}
	if n != nil {
		s.concurrency = *n
	}
	if s.concurrencyPath, err = f.path("MaxConcurrencyPath"); err != nil {
		return err
	}
	for _, name := range []string{"Label", "ToleratedFailureCount", "ToleratedFailureCountPath", "ToleratedFailurePercentage", "ToleratedFailurePercentagePath"} {
		if f.has(name) && !s.distributed {
			return f.errorf(name, "goes with Mode DISTRIBUTED only")
		}
	}
	if f.has("Label") {
		if _, err := f.str("Label"); err != nil {
			return err
		}
	}
	count, err := f.integer("ToleratedFailureCount", 0, 1<<31)
	if err != nil {
		return err
	}
	s.tolerant = count != nil && *count > 0
	if f.has("ToleratedFailurePercentage") {
		x, err := f.number("ToleratedFailurePercentage")
		if err != nil || x < 0 || x > 100 {
			return f.errorf("ToleratedFailurePercentage", "must be a number from 0 to 100")
		}
		s.tolerant = s.tolerant || x > 0
	}
	if s.tolerateCount, err = f.path("ToleratedFailureCountPath"); err != nil {
		return err
	}
	s.toleratePercent, err = f.path("ToleratedFailurePercentagePath")
	return err
}

func (f *fields) retriers(s *state) error {
	if !f.has("Retry") {
		return nil
	}
	rules, err := f.objects("Retry")
	if err != nil {
		return err
	}
	for i, rule := range rules {
		if err := rule.only("Comment", "ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy"); err != nil {
			return err
		}
		r := &retrier{interval: time.Second, attempts: 3, rate: 2}
		if r.errors, err = rule.errorNames(i == len(rules)-1); err != nil {
			return err
		}
		interval, err := rule.integer("IntervalSeconds", 1, maxSeconds)
		if err != nil {
			return err
		}
		if interval != nil {
			r.interval = time.Duration(*interval) * time.Second
		}
		attempts, err := rule.integer("MaxAttempts", 0, maxSeconds)
		if err != nil {
			return err
		}
		if attempts != nil {
			r.attempts = *attempts
		}
		if rule.has("BackoffRate") {
			if r.rate, err = rule.number("BackoffRate"); err != nil || r.rate < 1 {
				return rule.errorf("BackoffRate", "must be a number of at least 1")
			}
		}
		// Step Functions docs: more than IntervalSeconds, at most 31,622,400 (a year).
		longest, err := rule.integer("MaxDelaySeconds", int64(r.interval/time.Second)+1, 31_622_400)
		if err != nil {
			return err
		}
		if longest != nil {
			r.maxDelay = time.Duration(*longest) * time.Second
		}
		if rule.has("JitterStrategy") {
			j, err := rule.str("JitterStrategy")
			if err != nil || j != "FULL" && j != "NONE" {
				return rule.errorf("JitterStrategy", "must be FULL or NONE")
			}
			r.jitter = j == "FULL"
		}
		s.retry = append(s.retry, r)
	}
	return nil
}

func (f *fields) catchers(s *state) error {
	if !f.has("Catch") {
		return nil
	}
	rules, err := f.objects("Catch")
	if err != nil {
		return err
	}
	for i, rule := range rules {
		if err := rule.only("Comment", "ErrorEquals", "Next", "ResultPath", "Assign"); err != nil {
			return err
		}
		var c catcher
		if c.errors, err = rule.errorNames(i == len(rules)-1); err != nil {
			return err
		}
		if c.next, err = rule.str("Next"); err != nil {
			return err
		}
		if c.resultPath, err = rule.optionalPath("ResultPath", parseReference); err != nil {
			return err
		}
		if c.assign, err = rule.assign(); err != nil {
			return err
		}
		s.catch = append(s.catch, c)
	}
	return nil
}

// fields are the fields of one JSON object of the definition, with the state
// that errors name.
type fields struct {
	state string
	raw   map[string]json.RawMessage
}

func newFields(state string, data []byte) (*fields, error) {
	f := &fields{state: state}
	if err := json.Unmarshal(data, &f.raw); err != nil || f.raw == nil {
		if err == nil {
			err = errors.New("is null")
		}
		if state == "" {
			return nil, fmt.Errorf("must be a JSON object: %w", err)
		}
		return nil, fmt.Errorf("state %q: must be a JSON object: %w", state, err)
	}
	return f, nil
}

func (f *fields) errorf(field, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if f.state == "" {
		return fmt.Errorf("field %q: %s", field, text)
	}
	return fmt.Errorf("state %q: field %q: %s", f.state, field, text)
}

func (f *fields) has(name string) bool { _, ok := f.raw[name]; return ok }

// only refuses every other field by name.
func (f *fields) only(names ...string) error {
	for _, name := range slices.Sorted(maps.Keys(f.raw)) {
		if !slices.Contains(names, name) {
			return f.errorf(name, "is unknown here or not supported")
		}
	}
	return nil
}

func (f *fields) jsonPath() error {
	if !f.has("QueryLanguage") {
		return nil
	}
	if v, err := f.str("QueryLanguage"); err != nil || v != "JSONPath" {
		return f.errorf("QueryLanguage", "only JSONPath is supported")
	}
	return nil
}

func (f *fields) str(name string) (string, error) {
	var s *string
	if err := json.Unmarshal(f.raw[name], &s); err != nil || s == nil {
		return "", f.errorf(name, "must be a string")
	}
	return *s, nil
}

func (f *fields) boolean(name string) (bool, error) {
	var b *bool
	if err := json.Unmarshal(f.raw[name], &b); err != nil || b == nil {
		return false, f.errorf(name, "must be true or false")
	}
	return *b, nil
}

func (f *fields) number(name string) (float64, error) {
	var x *float64
	if err := json.Unmarshal(f.raw[name], &x); err != nil || x == nil {
		return 0, f.errorf(name, "must be a number")
	}
	return *x, nil
}

// integer is nil when the field is absent.
func (f *fields) integer(name string, least, most int64) (*int64, error) {
	if !f.has(name) {
		return nil, nil
	}
	var n *int64
	if err := json.Unmarshal(f.raw[name], &n); err != nil || n == nil || *n < least || *n > most {
		return nil, f.errorf(name, "must be an integer from %d to %d", least, most)
	}
	return n, nil
}

func (f *fields) object(name string) (*fields, error) {
	if !f.has(name) {
		return nil, f.errorf(name, "is missing")
	}
	inner, err := newFields(f.state, f.raw[name])
	if err != nil {
		return nil, f.errorf(name, "must be an object")
	}
	return inner, nil
}

func (f *fields) objects(name string) ([]*fields, error) {
	if !f.has(name) {
		return nil, f.errorf(name, "is missing")
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(f.raw[name], &raw); err != nil {
		return nil, f.errorf(name, "must be a list of objects")
	}
	out := make([]*fields, len(raw))
	for i, r := range raw {
		inner, err := newFields(f.state, r)
		if err != nil {
			return nil, f.errorf(name, "must be a list of objects")
		}
		out[i] = inner
	}
	return out, nil
}

// path is nil when the field is absent.
func (f *fields) path(name string) (*path, error) {
	if !f.has(name) {
		return nil, nil
	}
	s, err := f.str(name)
	if err != nil {
		return nil, err
	}
	p, err := parsePath(s)
	if err != nil {
		return nil, f.errorf(name, "%v", err)
	}
	return p, nil
}

func (f *fields) optionalPath(name string, parse func(string) (*path, error)) (*optionalPath, error) {
	if !f.has(name) {
		return nil, nil
	}
	if string(f.raw[name]) == "null" {
		return &optionalPath{}, nil
	}
	s, err := f.str(name)
	if err != nil {
		return nil, f.errorf(name, "must be a path or null")
	}
	p, err := parse(s)
	if err != nil {
		return nil, f.errorf(name, "%v", err)
	}
	return &optionalPath{p}, nil
}

func (f *fields) template(name string) (template, error) {
	if !f.has(name) {
		return nil, nil
	}
	v, err := decode(f.raw[name])
	if err != nil {
		return nil, f.errorf(name, "%v", err)
	}
	t, err := parseTemplate(v)
	if err != nil {
		return nil, f.errorf(name, "%v", err)
	}
	return t, nil
}

// assign reads Assign: an object template whose fields name variables.
func (f *fields) assign() (template, error) {
	t, err := f.template("Assign")
	if err != nil || t == nil {
		return nil, err
	}
	object, ok := t.(objectTemplate)
	if !ok {
		return nil, f.errorf("Assign", "must be an object")
	}
	for _, m := range object {
		r := reader{s: m.name}
		if name := r.name(); name != m.name || name == "" || name == "states" || len([]rune(name)) > 80 {
			return nil, f.errorf("Assign", "%q cannot name a variable", m.name)
		}
	}
	return t, nil
}

// next reads Next or End, of which a state that has them needs exactly one.
func (f *fields) next(has bool) (string, error) {
	if !has {
		return "", nil
	}
	end := false
	if f.has("End") {
		var err error
		if end, err = f.boolean("End"); err != nil {
			return "", err
		}
	}
	if end == f.has("Next") {
		return "", f.errorf("Next", "the state needs exactly one of Next and \"End\": true")
	}
	if end {
		return "", nil
	}
	return f.str("Next")
}

func (f *fields) errorNames(last bool) ([]string, error) {
	var names []string
	if err := json.Unmarshal(f.raw["ErrorEquals"], &names); err != nil || len(names) == 0 {
		return nil, f.errorf("ErrorEquals", "must be a list of error names")
	}
	if slices.Contains(names, "States.ALL") && (len(names) > 1 || !last) {
		return nil, f.errorf("ErrorEquals", "States.ALL must stand alone and last")
	}
	return names, nil
}
