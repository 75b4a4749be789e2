package telemetry

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// Namespace is the CloudWatch namespace of all metrics, followed by the stage:
// "Fielder/prod".
const Namespace = "Fielder"

var (
	metricsMu  sync.Mutex
	metricsOut io.Writer = os.Stdout
)

// emfUnits names the unit of metrics that are not counts.
var emfUnits = map[string]string{"OldestUndecidedSeconds": "Seconds", "DecisionMilliseconds": "Milliseconds"}

// Count writes one metric as an embedded metric format line (CloudWatch EMF
// specification): the dimension is the function, and also the platform when given.
// A name holds letters only, so that dashboards can refer to it.
func Count(_ context.Context, name string, value float64, platform string) {
	write(time.Now(), map[string]float64{name: value}, platform)
}

// CountStage is Count for a metric that an alarm needs over all functions of the
// stage: it is written without a dimension, too.
func CountStage(_ context.Context, name string, value float64) {
	write(time.Now(), map[string]float64{name: value}, "", []string{})
}

// Counts writes several metrics of one platform as one line: the format allows
// 100 metrics per line, and every line is paid for by its bytes.
func Counts(_ context.Context, values map[string]float64, platform string) {
	if len(values) > 0 {
		write(time.Now(), values, platform)
	}
}

type emfMetric struct {
	Name string `json:"Name"`
	Unit string `json:"Unit"`
}

type emfDirective struct {
	Namespace  string      `json:"Namespace"`
	Dimensions [][]string  `json:"Dimensions"`
	Metrics    []emfMetric `json:"Metrics"`
}

type emfHead struct {
	Timestamp         int64          `json:"Timestamp"`
	CloudWatchMetrics []emfDirective `json:"CloudWatchMetrics"`
}

func write(now time.Time, values map[string]float64, platform string, further ...[]string) {
	d := emfDirective{Namespace: Namespace + "/" + os.Getenv("FIELDER_STAGE"), Dimensions: append([][]string{{"function"}}, further...)}
	line := map[string]any{"function": Function()}
	if platform != "" {
		d.Dimensions = append(d.Dimensions, []string{"function", "platform"})
		line["platform"] = platform
	}
	for name, v := range values {
		if strings.ContainsAny(name, " \"") || name == "" {
			continue
		}
		unit := emfUnits[name]
		if unit == "" {
			unit = "Count"
		}
		d.Metrics = append(d.Metrics, emfMetric{name, unit})
		line[name] = v
	}
	line["_aws"] = emfHead{Timestamp: now.UnixMilli(), CloudWatchMetrics: []emfDirective{d}}
	b, err := json.Marshal(line)
	if err != nil {
		return // only NaN or Inf can cause it; a metric is never worth a failed request
	}
	metricsMu.Lock()
	defer metricsMu.Unlock()
	metricsOut.Write(append(b, '\n'))
}
