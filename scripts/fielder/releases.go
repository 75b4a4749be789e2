package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/appconfig"
	"github.com/aws/aws-sdk-go-v2/service/appconfig/types"
	"github.com/aws/aws-sdk-go-v2/service/appconfigdata"
	"github.com/aws/smithy-go"

	"github.com/fielder-care/fielder/shared/config"
)

// checked is a config that was read and tried out.
type checked struct {
	bundle   *config.Bundle
	content  []byte   // as AppConfig gets it
	mistakes []string // one line each, with the position; then nothing else is given
	warnings []string
}

// checkConfig reads the six files of a directory and runs their tests: what the
// validators in AppConfig would refuse is refused here first, with the place.
func checkConfig(name string, files fs.FS) (c checked, err error) {
	bundle, r := judge(name, files)
	for _, f := range r.Findings {
		if f.Severity == severityError {
			c.mistakes = append(c.mistakes, f.String())
		} else {
			c.warnings = append(c.warnings, f.String())
		}
	}
	if len(c.mistakes) > 0 {
		return c, nil
	}
	c.bundle = bundle
	c.content, err = config.Encode(bundle)
	return c, err
}

// releases are the versions of a system's config and their deployments.
type releases struct {
	*system
	api  *appconfig.Client
	data *appconfigdata.Client
}

func newReleases(s *system) *releases {
	return &releases{system: s, api: appconfig.NewFromConfig(s.aws), data: appconfigdata.NewFromConfig(s.aws)}
}

// deployment is one roll-out, as a list shows it.
type deployment struct {
	Number  int       `json:"number"`
	Version int       `json:"version"`
	Label   string    `json:"label,omitempty"`
	State   string    `json:"state"`
	Percent float32   `json:"percent"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
}

// name is how people see the version.
func (d deployment) name() string { return versionName(d.Version, d.Label) }

func versionName(number int, label string) string {
	if label == "" {
		return fmt.Sprintf("version %d", number)
	}
	return fmt.Sprintf("version %d (%s)", number, label)
}

// rolling tells whether it is under way.
func (d deployment) rolling() bool {
	switch types.DeploymentState(d.State) {
	case types.DeploymentStateValidating, types.DeploymentStateDeploying, types.DeploymentStateBaking, types.DeploymentStateRollingBack:
		return true
	}
	return false
}

// deployments lists all of them, newest first.
func (r *releases) deployments(ctx context.Context) ([]deployment, error) {
	var out []deployment
	pages := appconfig.NewListDeploymentsPaginator(r.api, &appconfig.ListDeploymentsInput{ApplicationId: &r.application, EnvironmentId: &r.environment})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, d := range page.Items {
			version, err := strconv.Atoi(aws.ToString(d.ConfigurationVersion))
			if err != nil {
				return nil, fmt.Errorf("deployment %d is of version %q, which is no number", d.DeploymentNumber, aws.ToString(d.ConfigurationVersion))
			}
			out = append(out, deployment{Number: int(d.DeploymentNumber), Version: version, Label: aws.ToString(d.VersionLabel), State: string(d.State),
				Percent: aws.ToFloat32(d.PercentageComplete), Started: aws.ToTime(d.StartedAt), Ended: aws.ToTime(d.CompletedAt)})
		}
	}
	slices.SortFunc(out, func(a, b deployment) int { return cmp.Compare(b.Number, a.Number) })
	return out, nil
}

// settled finds the newest deployment that reached everyone and was not taken
// back: what is served, and what a roll-out under way would fall back to.
func settled(list []deployment) (deployment, bool) {
	for _, d := range list {
		if d.State == string(types.DeploymentStateComplete) {
			return d, true
		}
	}
	return deployment{}, false
}

// versions lists the hosted versions, newest first; label may end in * ("" for
// all).
func (r *releases) versions(ctx context.Context, label string) ([]types.HostedConfigurationVersionSummary, error) {
	in := &appconfig.ListHostedConfigurationVersionsInput{ApplicationId: &r.application, ConfigurationProfileId: &r.profile}
	if label != "" {
		in.VersionLabel = &label
	}
	var out []types.HostedConfigurationVersionSummary
	pages := appconfig.NewListHostedConfigurationVersionsPaginator(r.api, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, page.Items...)
	}
	slices.SortFunc(out, func(a, b types.HostedConfigurationVersionSummary) int {
		return cmp.Compare(b.VersionNumber, a.VersionNumber)
	})
	return out, nil
}

// content fetches what a version holds.
func (r *releases) content(ctx context.Context, version int) ([]byte, error) {
	out, err := r.api.GetHostedConfigurationVersion(ctx, &appconfig.GetHostedConfigurationVersionInput{ApplicationId: &r.application,
		ConfigurationProfileId: &r.profile, VersionNumber: aws.Int32(int32(version))})
	if err != nil {
		return nil, err
	}
	return out.Content, nil
}

// errUnchanged: what is to be pushed is deployed, or rolling out, already.
var errUnchanged = errors.New("unchanged")

// push writes a checked config as a version, unless there is one, and begins its
// roll-out. errUnchanged comes with the deployment that has it already.
func (r *releases) push(ctx context.Context, c checked, describe string) (deployment, error) {
	list, err := r.deployments(ctx)
	if err != nil {
		return deployment{}, err
	}
	now, any := settled(list)
	if len(list) > 0 && list[0].rolling() {
		now, any = list[0], true
	}
	if any {
		content, err := r.content(ctx, now.Version)
		if err != nil {
			return deployment{}, err
		}
		if bytes.Equal(content, c.content) {
			return now, errUnchanged
		}
	}
	version, err := r.write(ctx, c)
	if err != nil {
		return deployment{}, err
	}
	return r.deploy(ctx, version, describe)
}

// write makes a version of a config and gives its number; the same content is
// not stored twice.
func (r *releases) write(ctx context.Context, c checked) (int, error) {
	list, err := r.versions(ctx, "")
	if err != nil {
		return 0, err
	}
	label, latest := c.bundle.Version, int32(0)
	for i, v := range list {
		if i == 0 {
			latest = v.VersionNumber
		}
		have := aws.ToString(v.VersionLabel) // the template's version has none
		if have != "" && !strings.HasPrefix(have, c.bundle.Version) {
			continue
		}
		content, err := r.content(ctx, int(v.VersionNumber))
		if err != nil {
			return 0, err
		}
		if bytes.Equal(content, c.content) {
			return int(v.VersionNumber), nil
		}
		if have == label { // the same files, written by another release of this tool
			sum := sha256.Sum256(c.content)
			label += "." + hex.EncodeToString(sum[:4])
		}
	}
	in := &appconfig.CreateHostedConfigurationVersionInput{ApplicationId: &r.application, ConfigurationProfileId: &r.profile, Content: c.content,
		ContentType: aws.String("application/json"), VersionLabel: &label}
	if latest > 0 {
		in.LatestVersionNumber = &latest
	}
	out, err := r.api.CreateHostedConfigurationVersion(ctx, in)
	switch codeOf(err) {
	case "":
		return int(out.VersionNumber), nil
	case "ConflictException":
		return 0, fmt.Errorf("somebody else pushed at the same moment; look at `fielder rules status`, then push again (%w)", err)
	case "ServiceQuotaExceededException":
		return 0, fmt.Errorf("AppConfig keeps no more versions of this config: delete old ones that were not deployed lately (%w)", err)
	}
	return 0, err
}

// deploy begins the roll-out of a version, the way this system does it.
func (r *releases) deploy(ctx context.Context, version int, describe string) (deployment, error) {
	in := &appconfig.StartDeploymentInput{ApplicationId: &r.application, EnvironmentId: &r.environment, ConfigurationProfileId: &r.profile,
		ConfigurationVersion: aws.String(strconv.Itoa(version)), DeploymentStrategyId: &r.strategy}
	if describe != "" {
		in.Description = &describe
	}
	out, err := r.api.StartDeployment(ctx, in)
	switch codeOf(err) {
	case "":
		return deployment{Number: int(out.DeploymentNumber), Version: version, Label: aws.ToString(out.VersionLabel), State: string(out.State),
			Percent: aws.ToFloat32(out.PercentageComplete), Started: aws.ToTime(out.StartedAt), Ended: aws.ToTime(out.CompletedAt)}, nil
	case "ConflictException":
		return deployment{}, fmt.Errorf("another version is rolling out: wait until it has, or take it back with `fielder rules rollback` (%w)", err)
	}
	return deployment{}, refusal(err)
}

// refusal makes an error of what validators say: each reason on a line.
func refusal(err error) error {
	var bad *types.BadRequestException
	if !errors.As(err, &bad) {
		return err
	}
	details, ok := bad.Details.(*types.BadRequestDetailsMemberInvalidConfiguration)
	if !ok || len(details.Value) == 0 {
		return err
	}
	text := "AppConfig's validators refuse this config:"
	for _, d := range details.Value {
		text += "\n  " + strings.TrimPrefix(aws.ToString(d.Location)+": ", ": ") + aws.ToString(d.Reason)
	}
	return errors.New(text)
}

func codeOf(err error) string {
	var api smithy.APIError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &api):
		return api.ErrorCode()
	}
	return "unknown"
}

// get tells one deployment with all that happened to it.
func (r *releases) get(ctx context.Context, number int) (*appconfig.GetDeploymentOutput, error) {
	return r.api.GetDeployment(ctx, &appconfig.GetDeploymentInput{ApplicationId: &r.application, EnvironmentId: &r.environment,
		DeploymentNumber: aws.Int32(int32(number))})
}

// wait follows a deployment to its end and shows how it goes: on a terminal one
// line that changes, else a line per change. The error says that it was taken
// back, and why.
func (r *releases) wait(ctx context.Context, number int, out io.Writer) error {
	live, shown := isTerminal(out), ""
	for {
		d, err := r.get(ctx, number)
		if err != nil {
			return err
		}
		line := fmt.Sprintf("  deployment %d: %s, %.0f%%", number, strings.ToLower(strings.ReplaceAll(string(d.State), "_", " ")), aws.ToFloat32(d.PercentageComplete))
		if line != shown {
			shown = line
			if live {
				fmt.Fprintf(out, "\r%-60s", line)
			} else {
				fmt.Fprintln(out, line)
			}
		}
		switch {
		case d.State == types.DeploymentStateComplete:
			if live {
				fmt.Fprintln(out)
			}
			return nil
		case !(deployment{State: string(d.State)}).rolling():
			if live {
				fmt.Fprintln(out)
			}
			return fmt.Errorf("deployment %d was taken back: %s", number, whyTaken(d.EventLog))
		}
		pause := 5 * time.Second
		if r.local != nil {
			pause = time.Second
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// whyTaken finds the event that began a rollback.
func whyTaken(events []types.DeploymentEvent) string {
	for _, e := range events {
		if e.EventType == types.DeploymentEventTypeRollbackStarted || e.EventType == types.DeploymentEventTypeRevertCompleted {
			if e.TriggeredBy == types.TriggeredByUser {
				return "somebody asked for it"
			}
			return fmt.Sprintf("%s (%s)", aws.ToString(e.Description), e.TriggeredBy)
		}
	}
	return "AppConfig does not say why"
}

// stop takes a deployment back: one under way at once, one that is complete for
// 72 hours after that.
func (r *releases) stop(ctx context.Context, number int) error {
	_, err := r.api.StopDeployment(ctx, &appconfig.StopDeploymentInput{ApplicationId: &r.application, EnvironmentId: &r.environment,
		DeploymentNumber: aws.Int32(int32(number)), AllowRevert: aws.Bool(true)})
	return err
}

// served is what a function that starts now is given.
func (r *releases) served(ctx context.Context) (content []byte, label string, err error) {
	session, err := r.data.StartConfigurationSession(ctx, &appconfigdata.StartConfigurationSessionInput{ApplicationIdentifier: &r.application,
		EnvironmentIdentifier: &r.environment, ConfigurationProfileIdentifier: &r.profile})
	if err != nil {
		return nil, "", err
	}
	out, err := r.data.GetLatestConfiguration(ctx, &appconfigdata.GetLatestConfigurationInput{ConfigurationToken: session.InitialConfigurationToken})
	if err != nil {
		return nil, "", err
	}
	return out.Configuration, aws.ToString(out.VersionLabel), nil
}
