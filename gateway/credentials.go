package gateway

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/mail"
	"github.com/waybill-io/waybill/mail/policy"
	"github.com/waybill-io/waybill/mail/preset"
	"github.com/waybill-io/waybill/mail/webhook"
)

// credentials is a mailbox as applications of the listener service send it. Fields in lower case are ours.
type credentials struct {
	ID                 string `json:"Id"` // of the mailbox, a GUID
	MailboxID          string `json:"MailboxId"`
	BpmEndpoint        string `json:"BpmEndpoint"` // where the application is told of mail
	BpmUser            string `json:"BpmUser"`
	BpmUserWorkspace   string `json:"BpmUserWorkspace"` // of the application; "": Default
	UserName           string `json:"UserName"`
	Password           string `json:"Password"` // or where the workers find it: env:WAYBILL_MAILBOX_...
	AccessToken        string `json:"AccessToken"`
	UseOAuth           bool   `json:"UseOAuth"`
	SenderEmailAddress string `json:"SenderEmailAddress"`
	ServiceURL         string `json:"ServiceUrl"` // https://HOST/EWS/Exchange.asmx, imaps://HOST:993, imap://HOST:143; "": of the provider
	FolderClassName    string `json:"FolderClassName"`
	UseFullEmail       bool   `json:"UseFullEmail"`
	TimeZoneID         string `json:"TimeZoneId"`

	// SMTPURL is by which server mail is sent: smtps://HOST:465 or smtp://HOST:587 (STARTTLS); "": that of the provider.
	SMTPURL string    `json:"smtpUrl"`
	Folders []string  `json:"folders"`
	Since   time.Time `json:"since,omitzero"` // begin with mail that came after this; zero: from now on
	Secrets []string  `json:"secrets"`        // what deliveries are signed with; none: that of the gateway
	// ErrorPolicy are the rules after which errors the mailbox is watched no more; none: the default ones.
	ErrorPolicy json.RawMessage `json:"errorPolicy"`
	// Unsigned has the application told without signatures, as that service did: anybody can then pretend to be us.
	Unsigned bool `json:"unsigned"`
}

// Defaults of a mailbox, as `starter mailbox add` has them.
const (
	maxBytes = 50 << 20
	pollMS   = 60_000
	leaseMS  = 30_000
)

// applicationWebhook is the webhook of the application.
const applicationWebhook = "application"

// mailboxName is the name under which a mailbox of an application is watched: mailboxes have short names, and its ids are long.
func mailboxName(id string) string {
	sum := sha256.Sum256([]byte(id))
	return "l" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:25])
}

// config makes a mailbox of credentials and tells everything that is wrong with them.
func (l *listeners) config(c credentials) (config contract.MailboxConfig, err error) {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.ID == "" {
		wrong("Id is required: what the application knows the mailbox by")
	}
	if c.UserName == "" {
		wrong("UserName is required")
	}
	config = contract.MailboxConfig{
		Name: mailboxName(c.ID), Source: "imap", TLS: "implicit", Username: c.UserName, Since: c.Since,
		MaxBytes: maxBytes, PollMS: pollMS, LeaseMS: leaseMS, Folder: "INBOX",
		Listener: &contract.Listener{ID: c.ID, Sender: c.SenderEmailAddress, User: c.BpmUser, Endpoint: c.BpmEndpoint, UseFullEmail: c.UseFullEmail, SMTP: c.SMTPURL},
	}
	if c.Since.IsZero() {
		config.Since = time.Now().UTC()
	}
	if strings.ContainsFunc(c.UserName, unicode.IsControl) {
		wrong("UserName: it holds a line break or another control character")
	}
	for i, folder := range c.Folders {
		if folder == "" || strings.ContainsFunc(folder, unicode.IsControl) || slices.Contains(c.Folders[:i], folder) {
			wrong("folders: names are expected, each once, not %q", folder)
		}
	}
	if len(c.Folders) > 0 {
		config.Folder, config.More = c.Folders[0], c.Folders[1:]
	}
	for _, secret := range c.Secrets {
		if !strings.HasPrefix(secret, secretPrefix) {
			wrong("secrets: variables that begin with %s are expected", secretPrefix)
		}
	}
	if l.Access.Wanted() && (internal(c.ServiceURL) || internal(c.BpmEndpoint) || internal(c.SMTPURL)) {
		wrong("ServiceUrl, smtpUrl and BpmEndpoint: this machine is no place for a server of yours")
	}
	if c.SMTPURL != "" {
		if _, err := preset.ParseSMTP(c.SMTPURL); err != nil {
			wrong("smtpUrl: %w", err)
		}
	}
	if err := serve(&config, c.ServiceURL, c.SenderEmailAddress); err != nil {
		errs = append(errs, err)
	}
	if len(c.ErrorPolicy) > 0 && string(c.ErrorPolicy) != "null" {
		if config.ErrorPolicy, err = policy.Document(c.ErrorPolicy); err != nil {
			wrong("errorPolicy: %w", err)
		}
	}
	if err := l.logIn(&config, c); err != nil {
		errs = append(errs, err)
	}
	return config, errors.Join(errs...)
}

// logIn sets how to log in.
func (l *listeners) logIn(config *contract.MailboxConfig, c credentials) (err error) {
	secret := c.Password
	if c.UseOAuth {
		secret, config.Auth = c.AccessToken, "xoauth2"
		if config.Source == "ews" {
			config.Auth = "oauth"
		}
	}
	config.Password, err = l.keep(secret)
	return err
}

// internal tells whether an address is of this machine, which an application elsewhere has no business with.
func internal(address string) bool {
	u, err := url.Parse(address)
	return err == nil && mail.Here(u.Hostname())
}

// portOf is the port that an address names.
func portOf(u *url.URL) (int, error) {
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil || port == 0 {
		return 0, fmt.Errorf("port %q is not between 1 and 65535", u.Port())
	}
	return int(port), nil
}

// serve sets the server: that of the address, or of the provider of the mailbox.
func serve(config *contract.MailboxConfig, address, sender string) error {
	if address == "" {
		p, ok := preset.ByAddress(sender)
		if !ok {
			return fmt.Errorf("ServiceUrl is required: the mail server of %q is not known", sender)
		}
		config.Host, config.Port, config.TLS = p.IMAP.Host, p.IMAP.Port, p.IMAP.TLS
		return nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.User != nil {
		return errors.New("ServiceUrl: an address such as https://exchange.example.com/EWS/Exchange.asmx or imaps://imap.example.com:993 is expected")
	}
	port := map[string]int{"imaps": 993, "imap": 143, "https": 443}[u.Scheme]
	if u.Port() != "" {
		if port, err = portOf(u); err != nil {
			return fmt.Errorf("ServiceUrl: %w", err)
		}
	}
	switch {
	case u.Scheme == "https", u.Scheme == "http" && mail.Loopback(u.Hostname()):
		config.Source, config.URL, config.TLS = "ews", address, ""
	case u.Scheme == "imaps":
		config.Host, config.Port = u.Hostname(), port
	case u.Scheme == "imap":
		config.Host, config.Port, config.TLS = u.Hostname(), port, "starttls"
		if mail.Loopback(u.Hostname()) {
			config.TLS = "none"
		}
	default:
		return fmt.Errorf("ServiceUrl: https, imaps or imap (with STARTTLS) is expected, not %q", u.Scheme)
	}
	return nil
}

// secretPrefix begins the variables that applications may name. Else whoever has a token could have any secret of the workers sent to a
// server of his own.
const secretPrefix = "env:WAYBILL_MAILBOX_"

// keep makes a reference of a secret, which must not be kept in the clear.
func (l *listeners) keep(secret string) (string, error) {
	switch {
	case secret == "":
		return "", errors.New("a Password is required, or an AccessToken with UseOAuth")
	case strings.HasPrefix(secret, secretPrefix):
		return secret, nil
	case strings.HasPrefix(secret, "env:"), strings.HasPrefix(secret, "file:/"), strings.HasPrefix(secret, mail.Sealed):
		return "", fmt.Errorf("the Password: over HTTP only variables that begin with %s can be named; see `starter mailbox add` for others", secretPrefix)
	case l.Key == nil:
		return "", errors.New("the Password: this gateway has no key to seal a password with, so it takes none that is written out: set WAYBILL_SECRET_KEY, or send " + secretPrefix + "NAME")
	}
	return l.Key.Seal(mail.Secret(secret)), nil
}

// webhook tells the application of mail as the listener service did; nil when it names no endpoint.
func (l *listeners) webhook(c credentials) *webhook.Subscription {
	if c.BpmEndpoint == "" {
		return nil
	}
	s := &webhook.Subscription{
		Name: applicationWebhook, Format: webhook.NewEmail, Secrets: c.Secrets, Unsigned: c.Unsigned,
		ID: c.ID, MailboxID: c.MailboxID, SysAdminUnit: c.BpmUser, TimeZoneID: c.TimeZoneID, Workspace: c.BpmUserWorkspace,
	}
	if len(s.Secrets) == 0 && !c.Unsigned && l.Secret != "" {
		s.Secrets = []string{l.Secret}
	}
	if c.UseFullEmail {
		s.Format = webhook.FullEmail
	}
	s.URL = webhook.MethodURL(c.BpmEndpoint, s.Format)
	return s
}
