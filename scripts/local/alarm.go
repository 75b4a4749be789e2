package local

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fielder-care/fielder/scripts/local/cfn"
	"github.com/fielder-care/fielder/scripts/local/lambda"
)

// metrics are the sums per minute that some alarm looks at: the errors of
// functions, and what functions write in embedded metric format.
type metrics struct {
	mu   sync.Mutex
	sums map[string]map[int64]float64 // by metricKey, by minute since 1970
}

func metricKey(namespace, name string, dimensions map[string]string) string {
	key := namespace + " " + name
	for _, d := range sortedKeys(dimensions) {
		key += " " + d + "=" + dimensions[d]
	}
	return key
}

func minuteOf(t time.Time) int64 { return t.Unix() / 60 }

// add counts, if anybody looks.
func (m *metrics) add(at time.Time, key string, value float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if sums := m.sums[key]; sums != nil {
		sums[minuteOf(at)] += value
	}
}

// read takes the metrics out of a log line in embedded metric format.
func (m *metrics) read(at time.Time, line lambda.Line) {
	if !strings.Contains(line.Text, `"CloudWatchMetrics"`) {
		return
	}
	var head struct {
		AWS struct {
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name string }
			}
		} `json:"_aws"`
	}
	var fields map[string]any
	if json.Unmarshal([]byte(line.Text), &head) != nil || json.Unmarshal([]byte(line.Text), &fields) != nil {
		return
	}
	for _, d := range head.AWS.CloudWatchMetrics {
		for _, set := range d.Dimensions {
			dimensions := map[string]string{}
			for _, name := range set {
				dimensions[name] = fmt.Sprint(fields[name])
			}
			for _, metric := range d.Metrics {
				if value, ok := fields[metric.Name].(float64); ok {
					m.add(at, metricKey(d.Namespace, metric.Name, dimensions), value)
				}
			}
		}
	}
}

// alarm is a CloudWatch alarm on a sum of metrics.
type alarm struct {
	name      string
	keys      []string
	threshold float64
	periods   int
}

type metricDimension struct{ Name, Value string }

// loadAlarm reads the alarm with an ARN. Only alarms that somebody acts on are
// read: here AppConfig, which takes a deployment back.
func (s *Stack) loadAlarm(arn string) (*alarm, error) {
	for _, r := range s.template.Resources("AWS::CloudWatch::Alarm") {
		if at, err := s.template.Attribute(r.ID, "Arn"); err != nil || at != arn {
			continue
		}
		var p struct {
			Namespace, MetricName, Statistic, ComparisonOperator, TreatMissingData string
			Dimensions                                                             []metricDimension
			Period, EvaluationPeriods, DatapointsToAlarm                           int
			Threshold                                                              float64
			Metrics                                                                []struct {
				Id, Expression string
				Period         int
				MetricStat     struct {
					Metric struct {
						Namespace, MetricName string
						Dimensions            []metricDimension
					}
					Period int
					Stat   string
				}
				ReturnData bool
				Label      cfn.Ignored `why:"for people"`
			}
			AlarmActions, OKActions           cfn.Ignored `why:"nobody is woken by a laptop"`
			AlarmName, AlarmDescription, Tags cfn.Ignored `why:"for people"`
		}
		if err := s.template.Decode(r, &p); err != nil {
			return nil, err
		}
		a := &alarm{name: tail(arn, ":"), threshold: p.Threshold, periods: p.EvaluationPeriods}
		watch := func(path, namespace, name, stat string, period int, dimensions []metricDimension) error {
			if stat != "Sum" || period != 60 {
				return fmt.Errorf("%s: only sums over 60 seconds are supported, not %s over %d", path, stat, period)
			}
			by := map[string]string{}
			for _, d := range dimensions {
				by[d.Name] = d.Value
			}
			key := metricKey(namespace, name, by)
			s.metrics.sums[key] = map[int64]float64{}
			a.keys = append(a.keys, key)
			return nil
		}
		if p.ComparisonOperator != "GreaterThanOrEqualToThreshold" || p.TreatMissingData != "notBreaching" || p.DatapointsToAlarm != 0 && p.DatapointsToAlarm != p.EvaluationPeriods {
			return nil, fmt.Errorf("%s: only alarms on a threshold that is reached in every period, missing data not breaching, are supported", r.ID)
		}
		if p.MetricName != "" {
			return a, watch(r.ID, p.Namespace, p.MetricName, p.Statistic, p.Period, p.Dimensions)
		}
		var added, stats []string
		for i, m := range p.Metrics {
			path := fmt.Sprintf("%s.Metrics[%d]", r.ID, i)
			if m.Expression != "" {
				added = append(added, strings.Split(m.Expression, " + ")...)
				continue
			}
			stats = append(stats, m.Id)
			if err := watch(path, m.MetricStat.Metric.Namespace, m.MetricStat.Metric.MetricName, m.MetricStat.Stat, m.MetricStat.Period, m.MetricStat.Metric.Dimensions); err != nil {
				return nil, err
			}
		}
		slices.Sort(added)
		slices.Sort(stats)
		if !slices.Equal(added, stats) {
			return nil, fmt.Errorf("%s.Metrics: only the sum of all its metrics is supported as an expression", r.ID)
		}
		return a, nil
	}
	return nil, fmt.Errorf("there is no alarm %s in the template", arn)
}

// rang tells when the alarm first rang after a time, and until another: at the
// end of the last of enough minutes in which the threshold was reached.
func (a *alarm) rang(m *metrics, after, until time.Time) (time.Time, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for end := minuteOf(after) + 1; end <= minuteOf(until); end++ {
		rings := a.periods > 0
		for minute := end - int64(a.periods); minute < end; minute++ {
			sum := 0.0
			for _, key := range a.keys {
				sum += m.sums[key][minute]
			}
			rings = rings && sum >= a.threshold
		}
		if rings {
			return time.Unix(end*60, 0).UTC(), true
		}
	}
	return time.Time{}, false
}
