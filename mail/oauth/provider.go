package oauth

import (
	"net/url"
	"slices"
)

// Provider is what is known of a server, so that a client id is enough.
type Provider struct {
	Name             string
	AuthorizationURL string
	TokenURL         string
	DeviceURL        string
	RevocationURL    string
	ClientAuth       string
	Scopes           []string // for a person
	OwnScopes        []string // with the credentials of the client; nil: the provider has no such grant for mail
	Extra            map[string]string

	// RefreshDays is how long a refresh token lasts when the server does not say: from when it was given, or with Slides from its last use.
	RefreshDays int
	Slides      bool
	// OneConsent tells that revoking one token takes all consent of the user back, that for a newer token, too.
	OneConsent bool
}

// DefaultRefreshDays is for servers that are not known.
const DefaultRefreshDays = 90

// Providers are the names of those that are known.
func Providers() []string { return []string{"microsoft", "google"} }

// ProviderOf is a provider by its name. tenant is that of Microsoft, a directory id or a domain; "": any organisation.
func ProviderOf(name, tenant string) (Provider, bool) {
	switch name {
	case "microsoft":
		if tenant == "" {
			tenant = "organizations"
		}
		base := "https://login.microsoftonline.com/" + url.PathEscape(tenant) + "/oauth2/v2.0/"
		return Provider{
			Name: name, AuthorizationURL: base + "authorize", TokenURL: base + "token", DeviceURL: base + "devicecode", ClientAuth: AuthPost,
			Scopes: []string{
				"https://outlook.office.com/IMAP.AccessAsUser.All", "https://outlook.office.com/SMTP.Send", "offline_access", "openid", "email", "profile",
			},
			OwnScopes: []string{"https://outlook.office365.com/.default"},
			// Each use gives a new token, and its 90 days begin anew (learn.microsoft.com/entra/identity-platform/refresh-tokens).
			RefreshDays: 90,
		}, true
	case "google":
		return Provider{
			Name: name, AuthorizationURL: "https://accounts.google.com/o/oauth2/v2/auth", TokenURL: "https://oauth2.googleapis.com/token",
			RevocationURL: "https://oauth2.googleapis.com/revoke", ClientAuth: AuthPost,
			// No DeviceURL: the scope of mail is not among those that Google permits for devices.
			Scopes: []string{"https://mail.google.com/", "openid", "email"},
			// Without them there is no refresh token, or only at the first consent.
			Extra: map[string]string{"access_type": "offline", "prompt": "consent"},
			// One that is not used for six months ends (developers.google.com/identity/protocols/oauth2, "Refresh token expiration").
			RefreshDays: 180, Slides: true, OneConsent: true,
		}, true
	}
	return Provider{Name: "generic", ClientAuth: AuthBasic, RefreshDays: DefaultRefreshDays}, slices.Contains([]string{"", "generic"}, name)
}
