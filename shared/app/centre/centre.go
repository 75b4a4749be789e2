// Package centre joins Amazon Connect with the functions that open and read its
// contacts.
package centre

import (
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconnect "github.com/aws/aws-sdk-go-v2/service/connect"

	"github.com/fielder-care/fielder/shared/connect"
)

// New is the Connect instance that FIELDER_CONNECT_INSTANCE and
// FIELDER_CONNECT_FLOW name, nil when they are empty.
func New(cfg aws.Config) *connect.Centre {
	instance, flow := os.Getenv("FIELDER_CONNECT_INSTANCE"), os.Getenv("FIELDER_CONNECT_FLOW")
	if instance == "" || flow == "" {
		return nil
	}
	return connect.New(awsconnect.NewFromConfig(cfg), instance, flow)
}
