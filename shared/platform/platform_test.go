package platform_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/fielder-care/fielder/shared/care"
	"github.com/fielder-care/fielder/shared/platform"
)

func TestAccountKeepsItsSecretsOutOfLogs(t *testing.T) {
	a := platform.Account{Platform: care.X, Account: "7001001", Handle: "VeloriaCare", Token: "tok-secret", Password: "pw-secret", Identifier: "care@veloria.example"}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("account", "account", a)
	all := log.String() + fmt.Sprintf("%v %+v %#v %s", a, a, a, a) + fmt.Sprintf("%v %#v", []platform.Account{a}, &a)
	for _, secret := range []string{"tok-secret", "pw-secret", "care@veloria.example"} {
		if strings.Contains(all, secret) {
			t.Errorf("%q is in %s", secret, all)
		}
	}
	if !strings.Contains(log.String(), `"account":"7001001"`) {
		t.Errorf("the log does not name the account: %s", log.String())
	}
}

func TestAccountReadsTheSecretsContract(t *testing.T) {
	var got platform.Account
	in := `{"platform":"bluesky","account":"did:plc:veloriacare000000000000","handle":"care.veloria.example","baseUrl":"https://pds.example","token":"t","identifier":"i","password":"p","tier":"self-serve"}`
	if err := json.Unmarshal([]byte(in), &got); err != nil {
		t.Fatal(err)
	}
	want := platform.Account{Platform: care.Bluesky, Account: "did:plc:veloriacare000000000000", Handle: "care.veloria.example", BaseURL: "https://pds.example", Token: "t", Identifier: "i", Password: "p", Tier: "self-serve"}
	if got != want {
		t.Errorf("got %+v", got)
	}
}

func TestOwn(t *testing.T) {
	own := []platform.Account{
		{Platform: care.X, Account: "7001001", Handle: "VeloriaCare"},
		{Platform: care.Instagram, Account: "7003001"},
	}
	for _, c := range []struct {
		name       string
		p          care.Platform
		id, handle string
		want       bool
	}{
		{"ByID", care.X, "7001001", "", true},
		{"ByHandleAnyCase", care.X, "", "@veloriacare", true},
		{"OtherPlatform", care.Instagram, "7001001", "VeloriaCare", false},
		{"Stranger", care.X, "2", "someone", false},
		{"NothingKnown", care.X, "", "", false},
		{"EmptyHandleIsNobody", care.Instagram, "1", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := platform.Own(own, c.p, c.id, c.handle); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
