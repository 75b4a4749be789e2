package cfn

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func load(t *testing.T, template string, o Options) *Template {
	t.Helper()
	parsed, err := Parse([]byte(template), o)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

const sample = `{
 "Parameters": {"Stage": {"Type": "String", "Default": "local"}, "Size": {"Type": "Number", "Default": 3}},
 "Mappings": {"Sizes": {"local": {"memory": 128}}},
 "Conditions": {"IsLocal": {"Fn::Equals": [{"Ref": "Stage"}, "local"]}, "IsProd": {"Fn::Not": [{"Condition": "IsLocal"}]},
   "Both": {"Fn::And": [{"Condition": "IsLocal"}, {"Condition": "IsProd"}]}, "Either": {"Fn::Or": [{"Condition": "IsLocal"}, {"Condition": "IsProd"}]}},
 "Resources": {
  "Work": {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": {"Fn::Sub": "fielder-${Stage}-work"}}},
  "Plain": {"Type": "AWS::Lambda::Function"},
  "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "fielder"}},
  "OnBus": {"Type": "AWS::Events::Rule", "Properties": {"Name": "r", "EventBusName": {"Ref": "Bus"}}},
  "OnDefault": {"Type": "AWS::Events::Rule", "Properties": {"Name": "d"}},
  "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "parked"}},
  "Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"StateMachineName": "intake"}},
  "OnlyProd": {"Type": "AWS::SQS::Queue", "Condition": "IsProd"}
 }}`

func TestResolve(t *testing.T) {
	tmpl := load(t, sample, Options{Stack: "st", Imports: map[string]string{"shared": "vpc-1"}})
	cases := map[string]struct{ in, want string }{
		"ref to a parameter":        {`{"Ref":"Stage"}`, `"local"`},
		"pseudo parameters":         {`[{"Ref":"AWS::Region"},{"Ref":"AWS::AccountId"},{"Ref":"AWS::Partition"},{"Ref":"AWS::URLSuffix"},{"Ref":"AWS::StackName"}]`, `["us-east-1","000000000000","aws","amazonaws.com","st"]`},
		"ref to a function":         {`{"Ref":"Work"}`, `"fielder-local-work"`},
		"generated name":            {`{"Ref":"Plain"}`, `"st-Plain"`},
		"attribute":                 {`{"Fn::GetAtt":["Work","Arn"]}`, `"arn:aws:lambda:us-east-1:000000000000:function:fielder-local-work"`},
		"rule on a bus":             {`{"Fn::GetAtt":["OnBus","Arn"]}`, `"arn:aws:events:us-east-1:000000000000:rule/fielder/r"`},
		"rule on the default bus":   {`{"Fn::GetAtt":["OnDefault","Arn"]}`, `"arn:aws:events:us-east-1:000000000000:rule/d"`},
		"queue":                     {`[{"Ref":"Queue"},{"Fn::GetAtt":["Queue","Arn"]}]`, `["https://sqs.us-east-1.amazonaws.com/000000000000/parked","arn:aws:sqs:us-east-1:000000000000:parked"]`},
		"state machine":             {`{"Ref":"Machine"}`, `"arn:aws:states:us-east-1:000000000000:stateMachine:intake"`},
		"join":                      {`{"Fn::Join":["-",["a",{"Ref":"Stage"},{"Ref":"Size"}]]}`, `"a-local-3"`},
		"split and select":          {`{"Fn::Select":["1",{"Fn::Split":["/",{"Fn::GetAtt":["OnBus","Arn"]}]}]}`, `"fielder"`},
		"sub with a map":            {`{"Fn::Sub":["${x}/${Work.Arn}/${!kept}",{"x":{"Ref":"Stage"}}]}`, `"local/arn:aws:lambda:us-east-1:000000000000:function:fielder-local-work/${kept}"`},
		"if":                        {`{"Fn::If":["IsLocal","yes","no"]}`, `"yes"`},
		"if not":                    {`{"Fn::If":["IsProd","yes","no"]}`, `"no"`},
		"and, or":                   {`[{"Fn::If":["Both",1,2]},{"Fn::If":["Either",1,2]}]`, `[2,1]`},
		"no value leaves out":       {`{"a":{"Ref":"AWS::NoValue"},"b":[{"Fn::If":["IsProd",1,{"Ref":"AWS::NoValue"}]}]}`, `{"b":[]}`},
		"find in map":               {`{"Fn::FindInMap":["Sizes",{"Ref":"Stage"},"memory"]}`, `128`},
		"import":                    {`{"Fn::ImportValue":"shared"}`, `"vpc-1"`},
		"an object named Condition": {`{"Condition":{"StringEquals":{"a":"b"}}}`, `{"Condition":{"StringEquals":{"a":"b"}}}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var in any
			if err := json.Unmarshal([]byte(c.in), &in); err != nil {
				t.Fatal(err)
			}
			got, err := tmpl.Resolve("X", in)
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, string(text)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if got := len(tmpl.Resources("AWS::SQS::Queue")); got != 1 {
		t.Errorf("%d queues, want 1: the other's condition does not hold", got)
	}
}

func TestErrorsNameThePlace(t *testing.T) {
	cases := map[string]struct{ template, names string }{
		"type":            {`{"Resources":{"Box":{"Type":"AWS::S3::Bucket"}}}`, `Box: resource type "AWS::S3::Bucket"`},
		"intrinsic":       {`{"Resources":{"Q":{"Type":"AWS::SQS::Queue","Properties":{"QueueName":{"Fn::Cidr":["a"]}}}}}`, "Q.QueueName: Fn::Cidr: not supported"},
		"property":        {`{"Resources":{"Q":{"Type":"AWS::SQS::Queue","Properties":{"Tidy":true}}}}`, "Q.Tidy: property not supported"},
		"nested property": {`{"Resources":{"Q":{"Type":"AWS::SQS::Queue","Properties":{"Inner":[{"Good":1},{"Bad":2}]}}}}`, "Q.Inner[1].Bad: property not supported"},
		"not a number":    {`{"Resources":{"Q":{"Type":"AWS::SQS::Queue","Properties":{"Delay":"soon"}}}}`, "Q.Delay: soon is not a int"},
		"missing":         {`{"Resources":{"Q":{"Type":"AWS::SQS::Queue","Properties":{"QueueName":{"Ref":"Nobody"}}}}}`, `no resource or parameter "Nobody"`},
		"cycle":           {`{"Resources":{"Q":{"Type":"AWS::SQS::Queue","Properties":{"QueueName":{"Ref":"Q"}}}}}`, "refers to itself"},
		"attribute":       {`{"Resources":{"Q":{"Type":"AWS::SQS::Queue","Properties":{"QueueName":{"Fn::GetAtt":["Q","Colour"]}}}}}`, "attribute Colour"},
		"section":         {`{"Transform":"x"}`, `section "Transform"`},
		"parameter":       {`{"Parameters":{"P":{"Type":"String"}}}`, "parameter P"},
		"resource field":  {`{"Resources":{"Q":{"Type":"AWS::SQS::Queue","Odd":1}}}`, "Q.Odd"},
		"dynamic":         {`{"Resources":{"Q":{"Type":"AWS::SQS::Queue","Properties":{"QueueName":"{{resolve:ssm:x}}"}}}}`, "dynamic references"},
		"not JSON":        {`{`, "template:"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			tmpl, err := Parse([]byte(c.template), Options{})
			if err == nil {
				var into struct {
					QueueName string
					Delay     int
					Inner     []struct{ Good int }
				}
				err = tmpl.Decode(tmpl.Resources("")[0], &into)
			}
			if err == nil || !strings.Contains(err.Error(), c.names) {
				t.Errorf("got %v, want an error that names %q", err, c.names)
			}
		})
	}
}

func TestDecode(t *testing.T) {
	tmpl := load(t, `{"Resources":{"Q":{"Type":"AWS::SQS::Queue","Properties":{"QueueName":"q","Delay":"5","Fifo":"true","Rate":1.5,"Tags":[{"Key":"a","Value":"b"}],"Env":{"A":1},"Maybe":{"Deep":2},"Kept":{"x":[1]}}}}}`, Options{})
	var got struct {
		QueueName string
		Delay     int
		Fifo      bool
		Rate      float64
		Tags      Ignored
		Env       map[string]string
		Maybe     *struct{ Deep int }
		Kept      any
		Absent    *int
	}
	if err := tmpl.Decode(tmpl.Resources("")[0], &got); err != nil {
		t.Fatal(err)
	}
	if got.QueueName != "q" || got.Delay != 5 || !got.Fifo || got.Rate != 1.5 || got.Env["A"] != "1" || got.Maybe.Deep != 2 || got.Absent != nil || got.Kept == nil {
		t.Errorf("got %+v", got)
	}
}

// A template is foreign input: whatever it holds, Parse and Decode return.
func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte(`{"Resources":{"Q":{"Type":"AWS::SQS::Queue","Properties":{"QueueName":{"Fn::Sub":"${Q}${"}}}}}`))
	f.Add([]byte(`{"Conditions":{"A":{"Condition":"A"}},"Resources":{"Q":{"Type":"AWS::SQS::Queue","Condition":"A"}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		tmpl, err := Parse(data, Options{})
		if err != nil {
			return
		}
		for _, r := range tmpl.Resources("") {
			var into struct{ QueueName string }
			_ = tmpl.Decode(r, &into)
			_, _ = tmpl.Ref(r.ID)
		}
	})
}
