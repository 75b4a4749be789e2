// Package train makes the models of shared/triage from public, labelled sets.
//
// It reads the sets named in NOTICE from a directory, turns their own labels
// into yes, no or "does not say" for each output, fits one logistic regression
// per output by stochastic gradient descent, fits the outputs' probabilities on
// text that was held out, and writes everything as one table of bytes. The same
// sets give the same bytes on every machine: the order of the work is fixed, and
// no sum depends on how a processor rounds.
package train

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The outputs of the model, in the order of its columns.
const (
	Negative = iota
	Positive
	Complaint
	Praise
	Question
	Request
	Spam
	numOutputs
)

// Names names the outputs.
var Names = [numOutputs]string{"negative", "positive", "complaint", "praise", "question", "request", "spam"}

// Answers says yes (1), no (-1) or nothing (0) for each output.
type Answers [numOutputs]int8

// Part is what an example serves for.
type Part uint8

// The parts: to fit weights, to fit probabilities, to measure.
const (
	Fit Part = iota
	Hold
	Test
)

// Example is one labelled text.
type Example struct {
	Set  string
	Part Part
	Text string
	Says Answers
}

// part puts a text into a part by its hash where a set has no parts of its own:
// about 80 % to fit, 10 % to hold, 10 % to measure. Equal texts fall together.
func part(text string) Part {
	h := fnv.New32a()
	_, _ = io.WriteString(h, text) // a hash never fails
	switch h.Sum32() >> 8 % 10 {
	case 0:
		return Hold
	case 1:
		return Test
	}
	return Fit
}

// sets are the public sets, each in a folder of its name.
var sets = []struct {
	name string
	read func(dir string) ([]Example, error)
}{{"goemotions", emotions}, {"banking77", banking}, {"clinc150", clinc}, {"spam", spam}}

// Sets names the sets, in the order in which they are read.
func Sets() []string {
	var names []string
	for _, s := range sets {
		names = append(names, s.name)
	}
	return names
}

// Read reads every set in dir: goemotions, banking77, clinc150 and spam, as their
// publishers distribute them. A missing or broken set is an error that says which.
func Read(dir string) ([]Example, error) {
	var all []Example
	for _, set := range sets {
		list, err := set.read(filepath.Join(dir, set.name))
		if err == nil && len(list) == 0 {
			err = errors.New("it is empty")
		}
		if err != nil {
			return nil, fmt.Errorf("data set %s: %w", set.name, err)
		}
		for i := range list {
			list[i].Set = set.name
		}
		all = append(all, list...)
	}
	return all, nil
}

// Emotions of GoEmotions by what they say of a mood; "neutral" and those that go
// either way (surprise, realization, curiosity, confusion) are neither.
var (
	goodMoods = []string{"admiration", "amusement", "approval", "caring", "desire", "excitement", "gratitude", "joy", "love", "optimism", "pride", "relief"}
	badMoods  = []string{"anger", "annoyance", "disappointment", "disapproval", "disgust", "embarrassment", "fear", "grief", "nervousness", "remorse", "sadness"}
	grumbles  = []string{"anger", "annoyance", "disappointment", "disapproval", "disgust"}
	thanks    = []string{"admiration", "gratitude", "love"}
)

func emotions(dir string) ([]Example, error) {
	b, err := os.ReadFile(filepath.Join(dir, "labels.txt"))
	if err != nil {
		return nil, err
	}
	labels := strings.Fields(string(b))
	var all []Example
	for _, f := range []struct {
		name string
		part Part
	}{{"train.tsv", Fit}, {"dev.tsv", Hold}, {"test.tsv", Test}} {
		err := lines(filepath.Join(dir, f.name), func(line string) error {
			cells := strings.Split(line, "\t")
			if len(cells) < 2 {
				return errors.New("a row has text, labels and id, with tabs between")
			}
			var named []string
			for _, id := range strings.Split(cells[1], ",") {
				n, err := strconv.Atoi(id)
				if err != nil || n < 0 || n >= len(labels) {
					return fmt.Errorf("label %q is not in labels.txt", id)
				}
				named = append(named, labels[n])
			}
			has := func(list []string) bool {
				return slices.ContainsFunc(named, func(s string) bool { return slices.Contains(list, s) })
			}
			var e Example
			e.Part, e.Text = f.part, strings.ReplaceAll(strings.ReplaceAll(cells[0], "[NAME]", "@name"), "[RELIGION]", "religion")
			good, bad := has(goodMoods), has(badMoods)
			if !good || !bad {
				e.Says[Positive], e.Says[Negative] = answer(good), answer(bad)
			}
			e.Says[Complaint] = answer(has(grumbles) && !good)
			e.Says[Praise] = answer(has(thanks) && !bad)
			e.Says[Request], e.Says[Spam] = -1, -1
			if has([]string{"curiosity", "confusion", "desire"}) {
				e.Says[Request] = 0
			}
			all = append(all, asked(e))
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// calm are the topics of BANKING77 that ask how things are; in all the others
// something went wrong.
var calm = []string{"card_linking", "exchange_rate", "fiat_currency_support", "card_delivery_estimate", "automatic_top_up", "exchange_via_app", "age_limit", "top_up_by_bank_transfer_charge", "cancel_transfer", "top_up_limits", "supported_cards_and_currencies", "getting_virtual_card", "card_acceptance", "edit_personal_details", "why_verify_identity", "get_physical_card", "visa_or_mastercard", "topping_up_by_card", "disposable_card_limits", "atm_support", "terminate_account", "verify_source_of_funds", "transfer_timing", "change_pin", "receiving_money", "transfer_into_account", "verify_top_up", "getting_spare_card", "top_up_by_cash_or_cheque", "order_physical_card", "get_disposable_virtual_card", "exchange_charge", "top_up_by_card_charge", "activate_my_card", "cash_withdrawal_charge", "card_about_to_expire", "apple_pay_or_google_pay", "verify_my_identity", "country_support"}

// unclear are those where some complain and some only ask.
var unclear = []string{"request_refund", "passcode_forgotten", "lost_or_stolen_card", "lost_or_stolen_phone", "pending_transfer", "pending_top_up", "pending_card_payment", "pending_cash_withdrawal", "pin_blocked", "card_arrival", "terminate_account"}

func banking(dir string) ([]Example, error) {
	var all []Example
	for _, f := range []struct {
		name string
		test bool
	}{{"train.csv", false}, {"test.csv", true}} {
		rows, err := table(filepath.Join(dir, f.name), "text", "category")
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			e := Example{Text: row[0], Part: part(row[0])}
			if f.test {
				e.Part = Test
			} else if e.Part == Test {
				e.Part = Fit
			}
			trouble := answer(!slices.Contains(calm, row[1]))
			e.Says = Answers{Positive: -1, Negative: trouble, Complaint: trouble, Praise: -1, Request: 1, Spam: -1}
			if slices.Contains(unclear, row[1]) {
				e.Says[Negative], e.Says[Complaint] = 0, 0
			}
			all = append(all, asked(e))
		}
	}
	return all, nil
}

// Intents of CLINC150 that are not calm requests.
var (
	inTrouble = []string{"lost_luggage", "damaged_card", "card_declined", "report_fraud", "report_lost_card", "account_blocked"}
	smallTalk = []string{"goodbye", "thank_you", "greeting", "yes", "no", "maybe", "repeat", "cancel"}
)

func clinc(dir string) ([]Example, error) {
	b, err := os.ReadFile(filepath.Join(dir, "data_full.json"))
	if err != nil {
		return nil, err
	}
	var parts map[string][][2]string
	if err := json.Unmarshal(b, &parts); err != nil {
		return nil, err
	}
	var all []Example
	for _, f := range []struct {
		name string
		part Part
	}{{"train", Fit}, {"oos_train", Fit}, {"val", Hold}, {"oos_val", Hold}, {"test", Test}, {"oos_test", Test}} {
		for _, row := range parts[f.name] {
			e := Example{Text: row[0], Part: f.part}
			e.Says = Answers{Positive: -1, Negative: -1, Complaint: -1, Praise: -1, Request: 1, Spam: -1}
			switch {
			case slices.Contains(inTrouble, row[1]):
				e.Says[Negative], e.Says[Complaint] = 0, 0
			case row[1] == "thank_you":
				e.Says = Answers{Positive: 1, Negative: -1, Complaint: -1, Praise: 1, Request: -1, Spam: -1}
			case slices.Contains(smallTalk, row[1]):
				e.Says[Positive], e.Says[Request] = 0, -1
			}
			all = append(all, e) // it is written without question marks
		}
	}
	return all, nil
}

func spam(dir string) ([]Example, error) {
	var all []Example
	err := lines(filepath.Join(dir, "SMSSpamCollection"), func(line string) error {
		label, text, ok := strings.Cut(line, "\t")
		if !ok || label != "ham" && label != "spam" {
			return errors.New(`a row has "ham" or "spam", a tab and the text`)
		}
		e := Example{Text: text, Part: part(text)}
		e.Says[Spam] = answer(label == "spam")
		if label == "spam" {
			e.Says[Complaint], e.Says[Praise], e.Says[Negative] = -1, -1, -1
		}
		all = append(all, e)
		return nil
	})
	return all, err
}

// asked lets a text teach what a question looks like without its mark: a text
// that its writer closed with a question mark asks, and loses the mark.
func asked(e Example) Example {
	t := strings.TrimRight(e.Text, " ")
	switch {
	case !strings.Contains(t, "?"):
		e.Says[Question] = -1
	case strings.HasSuffix(t, "?"):
		e.Says[Question] = 1
		e.Text = strings.TrimRight(t, "? ")
	}
	return e
}

func answer(yes bool) int8 {
	if yes {
		return 1
	}
	return -1
}

// lines calls f with each line that is not empty; errors get file and line.
func lines(path string, f func(string) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // only read
	in := bufio.NewScanner(file)
	in.Buffer(nil, 1<<20)
	for n := 1; in.Scan(); n++ {
		if in.Text() == "" {
			continue
		}
		if err := f(in.Text()); err != nil {
			return fmt.Errorf("%s:%d: %w", filepath.Base(path), n, err)
		}
	}
	return in.Err()
}

// table reads the CSV file's rows; its head must be as given.
func table(path string, head ...string) ([][]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // only read
	in := csv.NewReader(file)
	in.FieldsPerRecord = len(head)
	rows, err := in.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	if len(rows) == 0 || !slices.Equal(rows[0], head) {
		return nil, fmt.Errorf("%s: the first row must be %s", filepath.Base(path), strings.Join(head, ","))
	}
	return rows[1:], nil
}
