package client

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/waybill-io/waybill/activities/contract"
)

func TestStateOfACredential(t *testing.T) {
	const day = 24 * time.Hour
	now := time.Now()
	person := contract.CredentialConfig{Grant: contract.AuthorizationCode}
	own := contract.CredentialConfig{Grant: contract.ClientCredentials}
	refresh := func(issued, expires time.Duration) contract.CredentialStatus {
		return contract.CredentialStatus{Version: 1, RefreshIssued: now.Add(issued), RefreshExpires: now.Add(expires)}
	}
	for name, test := range map[string]struct {
		status contract.CredentialStatus
		state  string
		cause  string
	}{
		"revoked":                           {contract.CredentialStatus{Revoked: true, Config: person}, CredentialRevoked, "`starter credential authorize ann`"},
		"revoked, of the client":            {contract.CredentialStatus{Revoked: true, Config: own}, CredentialRevoked, "`starter credential refresh ann`"},
		"new":                               {contract.CredentialStatus{Config: person}, CredentialNew, "nobody has authorized it yet"},
		"that ends soon":                    {refresh(-80*day, 10*day), CredentialExpiring, "10 days"},
		"of two weeks, told anew each time": {refresh(0, 14*day-time.Millisecond), CredentialValid, ""},
		"likewise, a moment later":          {refresh(-time.Hour, 14*day-time.Hour+time.Millisecond), CredentialValid, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := Credential{Name: "ann", CredentialStatus: test.status}
			c.judge(now)
			require.Equal(t, test.state, c.State, c.Cause)
			require.Contains(t, c.Cause, test.cause)
		})
	}
}
