// Package linear holds small linear models over hashed features of a text. A
// text becomes a few hundred numbers: its words, pairs of neighbours, words in
// the reach of a negation, and runs of four letters, each hashed to a row of a
// table. A row has one signed byte for each output (complaint, spam, ...), so
// that one look at memory serves all of them. An output's sum, divided by the
// root of the number of features, goes through the logistic function, with a
// scale and a bias that were fitted on held-out text: it is a probability.
//
// The tables come from `fielder train`; a model's bytes are read where they lie,
// so that opening one costs nothing that grows with its size.
package linear

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/fielder-care/fielder/shared/text"
)

// MaxFeatures bounds the features of one text; what follows is not read. Posts
// have 50 to 400 of them, and a monster of 48 KiB must not cost milliseconds.
const MaxFeatures = 2048

// MaxOutputs bounds the outputs of a model.
const MaxOutputs = 8

// Features are the hashed features of one text. The zero value is ready for
// Read; reading again reuses the memory.
type Features struct{ hashes []uint64 }

// Hashes gives the features: the high bits say the row, the lowest bit the sign.
func (f *Features) Hashes() []uint64 { return f.hashes }

const (
	seed   = 14695981039346656037 // FNV-1a, 64 bits
	prime  = 1099511628211
	kWord  = 0x9e3779b97f4a7c15
	kPair  = 0xc2b2ae3d27d4eb4f
	kDeny  = 0x165667b19e3779f9
	kRun   = 0x27d4eb2f165667c5
	reach  = 3 // words after a negation that it turns
	runLen = 4
)

// mix spreads h over all bits (the finaliser of MurmurHash3).
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

func sum(b []byte) uint64 {
	h := uint64(seed)
	for _, c := range b {
		h = (h ^ uint64(c)) * prime
	}
	return h
}

// sumString is sum of s, for the marks that stand for kinds of tokens.
func sumString(s string) uint64 {
	h := uint64(seed)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * prime
	}
	return h
}

var (
	startOf  = sumString("<s>")
	endOf    = sumString("</s>")
	number   = sumString("<number>")
	link     = sumString("<link>")
	shouting = sumString("<capitals>")
)

// Read takes the features of d. Names of accounts are left out: whom somebody
// talks to says nothing of what he says, and a model must not learn names.
func (f *Features) Read(d *text.Doc) {
	f.hashes = f.hashes[:0]
	prev, deny := startOf, 0
	capitals := d.Uppers*2 < d.Letters // in a text all in capitals they mean nothing
	for i := range d.Tokens {
		if len(f.hashes) > MaxFeatures-64 {
			return
		}
		t := &d.Tokens[i]
		b := d.Word(i)
		var h uint64
		switch t.Kind {
		case text.Mention, text.Hashtag, text.Email:
			continue
		case text.Number:
			h = number
		case text.URL:
			h = link
		case text.Mark:
			switch b[0] {
			case '.', ',', ';', '\n', ':':
				deny = 0
				continue
			case '!', '?':
				deny = 0
				h = sum(b)
				if t.End-t.Start > 1 {
					h++
				}
			default:
				continue
			}
		default:
			h = sum(b)
		}
		f.hashes = append(f.hashes, mix(h^kWord), mix(prev*31+h^kPair))
		if deny > 0 {
			f.hashes = append(f.hashes, mix(h^kDeny))
			deny--
		}
		prev = h
		if t.Kind != text.Word {
			continue
		}
		if denies(b) {
			deny = reach
		}
		if capitals && t.Flags&text.Upper != 0 {
			f.hashes = append(f.hashes, mix(shouting^kWord))
		}
		f.runs(b)
	}
	f.hashes = append(f.hashes, mix(prev*31+endOf^kPair))
}

// runs adds the runs of letters in b, with its borders, at most 24 of a word.
func (f *Features) runs(b []byte) {
	if len(b) < runLen {
		return
	}
	w := uint32('^')<<16 | uint32(b[0])<<8 | uint32(b[1])
	for k := 2; k <= len(b) && k < 26; k++ {
		c := uint32('$')
		if k < len(b) {
			c = uint32(b[k])
		}
		w = w<<8 | c
		f.hashes = append(f.hashes, mix(uint64(w)^kRun))
	}
}

func denies(b []byte) bool {
	switch string(b) {
	case "not", "no", "never", "cant", "cannot", "dont", "doesnt", "didnt", "wont", "isnt", "wasnt", "arent", "werent", "hasnt", "havent", "hadnt", "couldnt", "wouldnt", "shouldnt", "without", "nothing", "nobody", "none", "aint", "nor", "neither":
		return true
	}
	return false
}

// Output is one answer of a model.
type Output struct {
	Name        string
	Scale, Bias float64
}

// Model is an opened model. It is safe for concurrent use.
type Model struct {
	outputs []Output
	shift   uint
	rows    string
}

// Layout of a model's bytes, little-endian: magic, bits and outputs (one byte
// each), two zero bytes; per output a name of 16 bytes, padded with zeros, and
// scale and bias as float32; then 1<<bits rows of one signed byte per output.
const (
	magic    = "FLM1"
	headSize = 8
	nameSize = 16
	outSize  = nameSize + 8
	minBits  = 4
	maxBits  = 20
)

// ErrFormat is the error of bytes that are no model.
var ErrFormat = errors.New("linear: not a model")

// Open reads the head of a model; data stays where it is. Its error is
// ErrFormat, wrapped with what is wrong.
func Open(data string) (*Model, error) {
	if len(data) < headSize || data[:4] != magic || data[6] != 0 || data[7] != 0 {
		return nil, fmt.Errorf("%w: it does not begin like one", ErrFormat)
	}
	bits, n := int(data[4]), int(data[5])
	if bits < minBits || bits > maxBits || n < 1 || n > MaxOutputs {
		return nil, fmt.Errorf("%w: %d bits and %d outputs", ErrFormat, bits, n)
	}
	if want := headSize + n*outSize + n<<bits; len(data) != want {
		return nil, fmt.Errorf("%w: it has %d bytes and needs %d", ErrFormat, len(data), want)
	}
	m := &Model{shift: uint(64 - bits), outputs: make([]Output, n)}
	at := headSize
	for k := range m.outputs {
		name := data[at : at+nameSize]
		for len(name) > 0 && name[len(name)-1] == 0 {
			name = name[:len(name)-1]
		}
		f := []byte(data[at+nameSize : at+outSize])
		o := Output{
			Name:  name,
			Scale: float64(math.Float32frombits(binary.LittleEndian.Uint32(f))),
			Bias:  float64(math.Float32frombits(binary.LittleEndian.Uint32(f[4:]))),
		}
		if name == "" || !(math.Abs(o.Scale) < 1e6) || !(math.Abs(o.Bias) < 1e6) {
			return nil, fmt.Errorf("%w: output %d makes no sense", ErrFormat, k)
		}
		m.outputs[k] = o
		at += outSize
	}
	m.rows = data[at:]
	return m, nil
}

// Encode writes a model: weights has 1<<bits rows of one byte per output.
func Encode(bits int, outputs []Output, weights []int8) ([]byte, error) {
	if bits < minBits || bits > maxBits || len(outputs) < 1 || len(outputs) > MaxOutputs || len(weights) != len(outputs)<<bits {
		return nil, fmt.Errorf("linear: %d bits, %d outputs and %d weights do not fit", bits, len(outputs), len(weights))
	}
	out := append(make([]byte, 0, headSize+len(outputs)*outSize+len(weights)), magic...)
	out = append(out, byte(bits), byte(len(outputs)), 0, 0)
	for _, o := range outputs {
		if o.Name == "" || len(o.Name) > nameSize {
			return nil, fmt.Errorf("linear: an output's name has 1 to %d bytes, not %q", nameSize, o.Name)
		}
		var name [nameSize]byte
		copy(name[:], o.Name)
		out = append(out, name[:]...)
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(float32(o.Scale)))
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(float32(o.Bias)))
	}
	for _, w := range weights {
		out = append(out, byte(w))
	}
	return out, nil
}

// Outputs gives the model's outputs, in order; the caller must not change them.
func (m *Model) Outputs() []Output { return m.outputs }

// Row gives the row of a feature, Sign says whether it counts the other way.
func Row(hash uint64, bits int) int { return int(hash >> uint(64-bits)) }

// Sign is 1 or -1.
func Sign(hash uint64) int32 { return 1 - 2*int32(hash&1) }

// Logits gives the log-odds of every output for a text. Those of a text without
// features are the biases.
func (m *Model) Logits(f *Features) (out [MaxOutputs]float64) {
	var sums [MaxOutputs]int32
	n := len(m.outputs)
	for _, h := range f.hashes {
		at := int(h>>m.shift) * n
		row := m.rows[at : at+n]
		s := Sign(h)
		if len(row) == 7 { // what we ship: without a loop it takes half the time
			sums[0] += s * int32(int8(row[0]))
			sums[1] += s * int32(int8(row[1]))
			sums[2] += s * int32(int8(row[2]))
			sums[3] += s * int32(int8(row[3]))
			sums[4] += s * int32(int8(row[4]))
			sums[5] += s * int32(int8(row[5]))
			sums[6] += s * int32(int8(row[6]))
			continue
		}
		for k := range n { // not "range row": that would read the bytes as UTF-8
			sums[k] += s * int32(int8(row[k]))
		}
	}
	root := math.Sqrt(float64(max(1, len(f.hashes))))
	for k := range m.outputs {
		out[k] = m.outputs[k].Scale*float64(sums[k])/root + m.outputs[k].Bias
	}
	return out
}

// Probability turns log-odds into a probability.
func Probability(logit float64) float64 { return 1 / (1 + math.Exp(-logit)) }
