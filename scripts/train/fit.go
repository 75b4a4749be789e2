package train

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/fielder-care/fielder/shared/text"
	"github.com/fielder-care/fielder/shared/triage/linear"
)

// Options are the knobs of training; Default holds those of the committed model.
type Options struct {
	Bits   int     // rows are 1<<Bits
	Epochs int     // passes over the examples
	Rate   float64 // first step of AdaGrad
	Decay  float64 // pull of a weight towards zero, for each time it is touched
}

// Default are the options that the committed model was made with.
var Default = Options{Bits: 17, Epochs: 4, Rate: 0.5, Decay: 1e-5}

// example is an Example as the solver sees it.
type example struct {
	part   Part
	says   Answers
	hashes []uint64
	root   float64 // one by the root of the number of features
}

// Model trains a model and gives its bytes.
func Model(list []Example, o Options) ([]byte, error) {
	if o.Bits < 4 || o.Bits > 20 {
		return nil, fmt.Errorf("bits must be from 4 to 20, not %d", o.Bits)
	}
	examples := make([]example, len(list))
	var doc text.Doc
	var f linear.Features
	for i, e := range list {
		doc.Parse(e.Text)
		f.Read(&doc)
		examples[i] = example{e.Part, e.Says, append([]uint64(nil), f.Hashes()...), 1 / math.Sqrt(float64(max(1, len(f.Hashes()))))}
	}
	outputs := make([]linear.Output, numOutputs)
	table := make([]int8, numOutputs<<o.Bits)
	for k := range outputs {
		weights, bias, err := fit(examples, k, o)
		if err != nil {
			return nil, fmt.Errorf("output %s: %w", Names[k], err)
		}
		step := quantise(weights, func(row int, w int8) { table[row*numOutputs+k] = w })
		scale, shift := calibrate(examples, k, weights, bias, step, o.Bits)
		outputs[k] = linear.Output{Name: Names[k], Scale: scale, Bias: shift}
	}
	return linear.Encode(o.Bits, outputs, table)
}

// fit fits one output's weights: logistic loss, AdaGrad, each class with the
// same weight in all.
func fit(examples []example, k int, o Options) ([]float64, float64, error) {
	var mine []int
	var count [2]int
	for i := range examples {
		if examples[i].part != Fit || examples[i].says[k] == 0 {
			continue
		}
		mine = append(mine, i)
		count[max(0, int(examples[i].says[k]))]++
	}
	if count[0] == 0 || count[1] == 0 {
		return nil, 0, errors.New("it needs examples of both answers to fit")
	}
	weights, squares := make([]float64, 1<<o.Bits), make([]float64, 1<<o.Bits)
	bias, biasSquares := 0.0, 1.0
	random := rand.New(rand.NewPCG(1, uint64(k)))
	for range o.Epochs {
		random.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
		for _, i := range mine {
			e := &examples[i]
			want, share := 0.0, float64(len(mine))/float64(2*count[0])
			if e.says[k] > 0 {
				want, share = 1, float64(len(mine))/float64(2*count[1])
			}
			// The square root keeps a rare class from shouting.
			g := (logistic(margin(e, weights, bias, o.Bits)) - want) * math.Sqrt(share)
			biasSquares += float64(g * g)
			bias -= float64(0.05 * g / math.Sqrt(biasSquares))
			for _, h := range e.hashes {
				row := linear.Row(h, o.Bits)
				slope := float64(g*e.root)*float64(linear.Sign(h)) + float64(o.Decay*weights[row])
				squares[row] += float64(slope * slope)
				weights[row] -= float64(o.Rate * slope / math.Sqrt(squares[row]+1e-3))
			}
		}
	}
	return weights, bias, nil
}

func margin(e *example, weights []float64, bias float64, bits int) float64 {
	s := 0.0
	for _, h := range e.hashes {
		s += float64(weights[linear.Row(h, bits)] * float64(linear.Sign(h)))
	}
	return bias + float64(s*e.root)
}

// quantise turns weights into bytes and gives the value of one step. The largest
// weights in ten thousand are cut off, so that the others keep their fineness.
func quantise(weights []float64, put func(row int, w int8)) float64 {
	var counts [1 << 12]int
	top := 0.0
	for _, w := range weights {
		top = max(top, math.Abs(w))
	}
	if top == 0 {
		return 1
	}
	for _, w := range weights {
		counts[int(math.Abs(w)/top*(1<<12-1))]++
	}
	cut, over := len(counts)-1, 0
	for ; cut > 1 && over+counts[cut] <= len(weights)/10000; cut-- {
		over += counts[cut]
	}
	step := float64(top*float64(cut+1)/(1<<12)) / 127
	for row, w := range weights {
		put(row, int8(max(-127, min(127, math.RoundToEven(w/step)))))
	}
	return step
}

// calibrate fits scale and bias of an output on held-out text (Platt, 1999: two
// numbers by Newton's method), for the quantised weights. Without held-out text
// of both answers it leaves them as they were fitted.
func calibrate(examples []example, k int, weights []float64, bias, step float64, bits int) (scale, shift float64) {
	var xs, ys []float64
	var count [2]float64
	for i := range examples {
		e := &examples[i]
		if e.part != Hold || e.says[k] == 0 {
			continue
		}
		s := 0.0
		for _, h := range e.hashes {
			w := max(-127, min(127, math.RoundToEven(weights[linear.Row(h, bits)]/step)))
			s += float64(w * float64(linear.Sign(h)))
		}
		xs = append(xs, s*e.root*step)
		y := max(0, float64(e.says[k]))
		ys = append(ys, y)
		count[int(y)]++
	}
	if count[0] == 0 || count[1] == 0 {
		return step, bias
	}
	a, b := 1.0, bias
	for range 50 {
		// A little pull towards a=1 keeps the system solvable where all is clear.
		ga, gb, haa, hab, hbb := float64(1e-2*(a-1)), 0.0, 1e-2, 0.0, 1e-6
		for i, x := range xs {
			p := logistic(float64(a*x) + b)
			// Platt's targets keep probabilities off 0 and 1.
			target := 1 / (count[0] + 2)
			if ys[i] > 0 {
				target = (count[1] + 1) / (count[1] + 2)
			}
			d, v := p-target, float64(p*(1-p))+1e-12
			ga += float64(d * x)
			gb += d
			haa += float64(float64(v*x) * x)
			hab += float64(v * x)
			hbb += v
		}
		det := float64(haa*hbb) - float64(hab*hab)
		da := (float64(ga*hbb) - float64(gb*hab)) / det
		db := (float64(gb*haa) - float64(ga*hab)) / det
		// Newton's step may overshoot where everything is clear: never far at once.
		a -= max(-2, min(2, da))
		b -= max(-2, min(2, db))
		if math.Abs(da)+math.Abs(db) < 1e-10 {
			break
		}
	}
	return float64(a * step), b
}

// logistic is 1/(1+e^-x), by operations that round alike on every processor;
// math.Exp has its own code on some.
func logistic(x float64) float64 {
	x = max(-40, min(40, x))
	k := math.Floor(float64(-x/math.Ln2) + 0.5)
	r := -x - float64(k*math.Ln2)
	s := 1.0
	for n := 14.0; n > 0; n-- {
		s = 1 + float64(float64(s*r)/n)
	}
	return 1 / (1 + math.Ldexp(s, int(k)))
}
