package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"sort"
	"strings"
	"text/tabwriter"
)

// guess is a label, the class that we gave, and how sure we were of it.
type guess struct {
	label, class string
	sure         float64
}

// metrics says how good guesses are. Rates without a denominator are 0.
type metrics struct {
	Task      string         `json:"task"`
	Posts     int            `json:"posts"`
	PerSecond float64        `json:"postsPerSecond"`
	Accuracy  float64        `json:"accuracy"`
	Classes   []classMetrics `json:"classes"`
	Macro     rates          `json:"macro"`
	// Calibration is the expected calibration error over ten bins of equal width:
	// by how much "how sure" and "how often right" differ, on average.
	Calibration float64 `json:"calibrationError"`
	Bins        []bin   `json:"bins,omitempty"`
	// Confusion counts by label, then by class.
	Confusion map[string]map[string]int `json:"confusion,omitempty"`
}

type rates struct {
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
}

type classMetrics struct {
	Class   string `json:"class"`
	Support int    `json:"support"` // posts with this label
	rates
}

type bin struct {
	From  float64 `json:"from"`
	Posts int     `json:"posts"`
	Sure  float64 `json:"sure"`  // mean of how sure we were
	Right float64 `json:"right"` // share that was right
}

// ratesOf makes rates of counts.
func ratesOf(right, given, labelled int) (r rates) {
	if given > 0 {
		r.Precision = float64(right) / float64(given)
	}
	if labelled > 0 {
		r.Recall = float64(right) / float64(labelled)
	}
	if r.Precision+r.Recall > 0 {
		r.F1 = 2 * r.Precision * r.Recall / (r.Precision + r.Recall)
	}
	return r
}

// measured compares guesses with their labels. Macro averages go over classes; nil
// stands for those that occur as labels.
func measured(guesses []guess, classes []string) metrics {
	m := metrics{Confusion: map[string]map[string]int{}}
	given, labelled, right := map[string]int{}, map[string]int{}, map[string]int{}
	var bins [10]bin
	all := 0
	for _, g := range guesses {
		labelled[g.label]++
		given[g.class]++
		if m.Confusion[g.label] == nil {
			m.Confusion[g.label] = map[string]int{}
		}
		m.Confusion[g.label][g.class]++
		b := &bins[max(0, min(9, int(g.sure*10)))]
		b.Posts++
		b.Sure += g.sure
		if g.label == g.class {
			right[g.label]++
			all++
			b.Right++
		}
	}
	if classes == nil {
		for c := range labelled {
			classes = append(classes, c)
		}
		sort.Strings(classes)
	}
	for _, c := range classes {
		r := ratesOf(right[c], given[c], labelled[c])
		m.Classes = append(m.Classes, classMetrics{c, labelled[c], r})
		n := float64(len(classes))
		m.Macro.Precision += r.Precision / n
		m.Macro.Recall += r.Recall / n
		m.Macro.F1 += r.F1 / n
	}
	if n := float64(len(guesses)); n > 0 {
		m.Accuracy = float64(all) / n
		for i, b := range bins {
			if b.Posts == 0 {
				continue
			}
			m.Calibration += math.Abs(b.Sure-b.Right) / n
			m.Bins = append(m.Bins, bin{float64(i) / 10, b.Posts, b.Sure / float64(b.Posts), b.Right / float64(b.Posts)})
		}
	}
	return m
}

// spanCounts counts pieces of personal data by type: found exactly, found, there.
type spanCounts map[string]*[3]int

// add counts one post's pieces. A piece is right when type, start and end are.
func (c *spanCounts) add(want, found []piece) {
	if *c == nil {
		*c = spanCounts{}
	}
	of := func(kind string) *[3]int {
		if (*c)[kind] == nil {
			(*c)[kind] = new([3]int)
		}
		return (*c)[kind]
	}
	for _, p := range found {
		of(p.Type)[1]++
		if slices.Contains(want, p) {
			of(p.Type)[0]++
		}
	}
	for _, p := range want {
		of(p.Type)[2]++
	}
}

// metrics gives rates by type. Accuracy is the share of what is there that was
// found; there is no confusion and no calibration.
func (c spanCounts) metrics() (m metrics) {
	var kinds []string
	var sum [3]int
	for k, n := range c {
		kinds = append(kinds, k)
		for i := range sum {
			sum[i] += n[i]
		}
	}
	sort.Strings(kinds)
	for _, k := range kinds {
		n := c[k]
		r := ratesOf(n[0], n[1], n[2])
		m.Classes = append(m.Classes, classMetrics{k, n[2], r})
		m.Macro.Precision += r.Precision / float64(len(kinds))
		m.Macro.Recall += r.Recall / float64(len(kinds))
		m.Macro.F1 += r.F1 / float64(len(kinds))
	}
	m.Accuracy = ratesOf(sum[0], sum[1], sum[2]).Recall
	return m
}

func (m metrics) print(out io.Writer) {
	fmt.Fprintf(out, "%s: %d posts, %.0f posts per second\n", m.Task, m.Posts, m.PerSecond)
	fmt.Fprintf(out, "accuracy %.3f, macro precision %.3f, recall %.3f, F1 %.3f, calibration error %.3f\n\n", m.Accuracy, m.Macro.Precision, m.Macro.Recall, m.Macro.F1, m.Calibration)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "class\tposts\tprecision\trecall\tF1\t")
	for _, c := range m.Classes {
		fmt.Fprintf(w, "%s\t%d\t%.3f\t%.3f\t%.3f\t\n", c.Class, c.Support, c.Precision, c.Recall, c.F1)
	}
	_ = w.Flush() // as good as out is
	if len(m.Confusion) == 0 || len(m.Confusion) > 12 {
		return
	}
	seen := map[string]bool{}
	for label, row := range m.Confusion {
		seen[label] = true
		for class := range row {
			seen[class] = true
		}
	}
	var names []string
	for n := range seen {
		names = append(names, n)
	}
	sort.Strings(names)
	fmt.Fprintf(out, "\nlabel, and what we said\n")
	fmt.Fprintln(w, "\t"+strings.Join(names, "\t")+"\t")
	for _, label := range names {
		fmt.Fprintf(w, "%s\t", label)
		for _, class := range names {
			fmt.Fprintf(w, "%d\t", m.Confusion[label][class])
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush()
	if len(m.Bins) == 0 {
		return
	}
	fmt.Fprintf(out, "\nhow sure, and how often right\n")
	for _, b := range m.Bins {
		fmt.Fprintf(w, "%.1f\t%d\t%.3f\t%.3f\t\n", b.From, b.Posts, b.Sure, b.Right)
	}
	_ = w.Flush()
}
