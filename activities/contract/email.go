package contract

import "time"

// Activities of the email service, on EmailQueue.
const (
	TestEmailActivity   = "waybill/test-email"   // TestEmail -> EmailReport
	EmailHealthActivity = "waybill/email-health" // -> EmailHealth
)

// TestEmail has a worker try the email service out. To "": all but the sending.
type TestEmail struct {
	To     string `json:"to,omitempty"`
	Tenant string `json:"tenant,omitempty"`
}

// EmailReport is what a try of the email service has found out, stage by stage. What is wrong is in the stages.
type EmailReport struct {
	OK        bool         `json:"ok"`
	Server    string       `json:"server"`              // host:port
	From      string       `json:"from,omitempty"`      // the sender of mails that name none
	Tenant    string       `json:"tenant,omitempty"`    // whose settings they are; "": those of tenants without settings of their own
	MessageID string       `json:"messageId,omitempty"` // of the mail that the server has accepted
	Stages    []EmailStage `json:"stages"`
}

// EmailStage is a stage of a try.
type EmailStage struct {
	Stage   string `json:"stage"` // settings, dns, connect, tls, greeting, capabilities, login, send, and template, of the mail, when a deployed one cannot be used
	State   string `json:"state"` // ok, failed, skipped
	Found   string `json:"found,omitempty"`
	Setting string `json:"setting,omitempty"` // to change, such as email.host
	Advice  string `json:"advice,omitempty"`
	Millis  int64  `json:"ms"`
}

// States of a stage.
const (
	EmailStageOK      = "ok"
	EmailStageFailed  = "failed"
	EmailStageSkipped = "skipped"
)

// EmailHealth is what the last mails of one worker tell of its mail servers.
type EmailHealth struct {
	Status  string        `json:"status"` // the worst of those of Servers; EmailAbsent without any
	Servers []EmailServer `json:"servers"`
}

// EmailServer is the mail server of a tenant.
type EmailServer struct {
	Tenant      string     `json:"tenant"` // "": of tenants without settings of their own
	Server      string     `json:"server"`
	Status      string     `json:"status"`
	LastSuccess *time.Time `json:"lastSuccess,omitempty"`
	LastFailure *time.Time `json:"lastFailure,omitempty"`
	Cause       string     `json:"cause,omitempty"` // of the last failure, or why nothing is sent
}

// States of a mail server.
const (
	EmailFailing    = "failing"    // the last try to send failed because of the server or the settings
	EmailUntried    = "untried"    // nothing has been sent since the worker began
	EmailOK         = "ok"         // the last try to send succeeded
	EmailSuppressed = "suppressed" // mail is switched off
	EmailAbsent     = "absent"     // no mail server is set up
)
