package contract

import "time"

// CheckResult is the answer to a try to log in.
type CheckResult struct {
	OK      bool     `json:"ok"`
	Message string   `json:"message,omitempty"` // what is wrong, in words
	Folders []string `json:"folders,omitempty"` // of the account
	Token   *Token   `json:"token,omitempty"`   // nil: it logs in without one, or there is none to read
}

// Token is what an access token says of itself.
type Token struct {
	Expires time.Time `json:"expires,omitzero"` // zero: it does not say
}

// OAuth tells whether a mailbox is logged in to with an access token.
func (c MailboxConfig) OAuth() bool {
	return c.Auth == "xoauth2" || c.Auth == "oauthbearer" || c.Auth == "oauth"
}

// CheckWebhook has a webhook of a mailbox called, without a delivery.
type CheckWebhook struct {
	Mailbox string `json:"mailbox"`
	Webhook string `json:"webhook"`
}

// WebhookCheck is what was found.
type WebhookCheck struct {
	Settings Verdict  `json:"settings"`
	Call     *Verdict `json:"call,omitempty"` // nil: not called, since the settings do not permit it
}

// Verdict is the outcome of one check.
type Verdict struct {
	OK    bool   `json:"ok"`
	Cause string `json:"cause,omitempty"` // what was found
	Cure  string `json:"cure,omitempty"`  // what to do, when it is not OK
}

// TestMailbox has a mail sent from a mailbox to itself, and waited for.
type TestMailbox struct {
	Mailbox string        `json:"mailbox"`
	Wait    time.Duration `json:"wait"` // for the mail to be handled, once it was sent
}

// TestedMailbox is what became of the mail. Times count from when the server had taken it.
type TestedMailbox struct {
	MessageID string        `json:"messageId,omitempty"`
	How       string        `json:"how,omitempty"`     // by which way it went, in words; "": it was not sent
	Problem   string        `json:"problem,omitempty"` // why it was not, or what hinders to see it
	Folder    string        `json:"folder,omitempty"`  // where it came; "": nowhere
	Arrived   time.Duration `json:"arrived,omitempty"`
	Handled   bool          `json:"handled,omitempty"` // the mailbox has gone past it
	After     time.Duration `json:"after,omitempty"`   // when it had
}
