package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"

	"github.com/fielder-care/fielder/shared/store"
)

// stacks is what a stage's CloudFormation stack is called, before the stage
// (infra's Options.name).
const stacks = "fielder-"

// where says which system a command is about; its flags are --stage and --region.
type where struct{ stage, region string }

func (w *where) flags(f *flag.FlagSet) {
	f.StringVar(&w.stage, "stage", "", "a stage in AWS, as it was deployed (default: the local stack)")
	f.StringVar(&w.region, "region", "", "the stage's region (default: as the AWS CLI finds it)")
}

// isLocal tells whether the local stack is meant.
func (w where) isLocal() bool { return w.stage == "" || w.stage == "local" }

// system is a running Fielder: the local stack, or a stage in AWS. Both are found
// by the outputs of the same template.
type system struct {
	name   string     // for people: "the local stack", "fielder-prod in eu-west-1"
	aws    aws.Config // with the local stack's address when it is local
	local  *running   // nil in AWS
	dynamo *dynamodb.Client
	table  *store.Table

	tableName string
	// The configuration's place in AppConfig, all ids; strategy is how a version
	// rolls out here.
	application, environment, profile, strategy string
}

// reach finds a system: the local stack by the file that it keeps, a stage by the
// outputs of its CloudFormation stack, with the caller's own AWS credentials.
func reach(ctx context.Context, w where) (*system, error) {
	if w.isLocal() {
		if w.region != "" {
			return nil, misuse("--region goes with --stage: the local stack has none")
		}
		r, err := findRunning(ctx)
		if err != nil {
			return nil, err
		}
		outputs := map[string]string{}
		if err := r.get(ctx, "/_fielder/outputs", &outputs); err != nil {
			return nil, err
		}
		s, err := newSystem("the local stack", operator(r.URL, r.AccessKey), outputs)
		if err == nil {
			s.local = r
		}
		return s, err
	}
	var options []func(*awsconfig.LoadOptions) error
	if w.region != "" {
		options = append(options, awsconfig.WithRegion(w.region))
	}
	cfg, err := awsconfig.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, err
	}
	if cfg.Region == "" {
		return nil, misuse("in which region is stage " + w.stage + "? Say --region or set AWS_REGION")
	}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		return nil, fmt.Errorf("no AWS credentials were found for stage %s: sign in first, as for the AWS CLI (`aws sso login`, AWS_PROFILE, ...) (%w)", w.stage, err)
	}
	stack := stacks + w.stage
	out, err := cloudformation.NewFromConfig(cfg).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String(stack)})
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() == "ValidationError" {
		return nil, fmt.Errorf("there is no stack %s in %s: is it the right stage, region and account? (%s)", stack, cfg.Region, api.ErrorMessage())
	}
	if err != nil {
		return nil, err
	}
	outputs := map[string]string{}
	for _, s := range out.Stacks {
		for _, o := range s.Outputs {
			outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
		}
	}
	return newSystem(stack+" in "+cfg.Region, cfg, outputs)
}

func newSystem(name string, cfg aws.Config, outputs map[string]string) (*system, error) {
	s := &system{name: name, aws: cfg, tableName: outputs["TableName"], strategy: outputs["ConfigStrategy"]}
	ids := strings.Split(outputs["ConfigPath"], "/")
	if s.tableName == "" || s.strategy == "" || len(ids) != 3 {
		return nil, fmt.Errorf("%s lacks the outputs TableName, ConfigPath and ConfigStrategy: it was deployed by an older version, deploy it again", name)
	}
	s.application, s.environment, s.profile = ids[0], ids[1], ids[2]
	s.dynamo = dynamodb.NewFromConfig(cfg)
	s.table = store.New(s.dynamo, s.tableName, time.Now)
	return s, nil
}
