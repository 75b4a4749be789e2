package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// secrets are three, because functions need different ones: webhook checks
// signatures, webhook and poller read, and only send, the one door out, can
// write. They are made empty; a person puts the values in, and nobody finds them
// in a template.
type secrets struct {
	ingest, read, write awssecretsmanager.CfnSecret
}

func newSecrets(scope constructs.Construct, o Options) secrets {
	top := scope
	scope = constructs.NewConstruct(scope, jsii.String("Secrets"))
	secret := func(id, description string) awssecretsmanager.CfnSecret {
		s := awssecretsmanager.NewCfnSecret(scope, jsii.String(id), &awssecretsmanager.CfnSecretProps{
			Description: jsii.String(description),
		})
		s.ApplyRemovalPolicy(o.Stage.Removal, &awscdk.RemovalPolicyOptions{})
		output(top, "Secret"+id, s.Ref(), description)
		return s
	}
	return secrets{
		ingest: secret("Ingest", "signing secrets of X and Meta, for webhook"),
		read:   secret("Read", "accounts and read tokens, for webhook and poller"),
		write:  secret("Write", "accounts and write tokens, for send alone"),
	}
}
