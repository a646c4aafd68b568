package contract

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
)

// Task queues. Workflow tasks, connector calls, steering, watchers and calls to accounts each have slots and pollers of their own,
// so that they never wait for each other: Temporal keeps the workflows and the activities of a queue apart.
//
// Connector calls share the queue of the workflows because Temporal then hands a call over with the answer to the
// workflow task, to a worker that has both roles (eager execution): a fifth less work for the server.
const (
	ProcessQueue    = "waybill"             // workflows
	ConnectorQueue  = ProcessQueue          // actions of the built-in connectors
	SteeringQueue   = "waybill-steering"    // what workflows need of Temporal, and delivery of mail
	WebhookQueue    = "waybill-webhooks"    // webhooks that did not accept mail at once
	MailboxQueue    = "waybill-mailboxes"   // watchers, which hold their slots for good
	AccountQueue    = "waybill-accounts"    // mail that applications send and fetch, and log-ins that are tried out
	CredentialQueue = "waybill-credentials" // tokens of OAuth accounts, for which others wait in the slots of AccountQueue
	AlertQueue      = "waybill-alerts"      // alerts on their way to their rules: nothing that they speak of waits for it
	NoticeQueue     = "waybill-notices"     // mails of Waybill's own, which wait for the mail server
	EmailQueue      = "waybill-email"       // questions to the email service: tests of the mail server, and its health
	IndexerQueue    = "waybill-indexer"     // events on their way from histories to the index
	RebuildQueue    = "waybill-rebuild"     // rebuilds and verifications of the index, and its archive: they take none of the slots of indexing
	ReportQueue     = "waybill-reports"     // questions to the index: reports, exports; those who ask wait
	JavaQueue       = "waybill-java"        // what models ask of Java: a worker of the user's own, in any language
)

// CustomConnectorQueue is the task queue that a connector which is not built in polls.
func CustomConnectorQueue(connector string) string { return "connector-" + connector }

// Workflow types of Waybill's own. A process runs as its BPMN id, which as an XML name can hold no slash.
const (
	DefinitionWorkflow = "waybill/definition"
	RegistryWorkflow   = "waybill/registry"
	TaskWorkflow       = "waybill/task"
	MessageWorkflow    = "waybill/message"
	MailboxWorkflow    = "waybill/mailbox"
	WatchersWorkflow   = "waybill/watchers"
	PaceWorkflow       = "waybill/pace"
	AlertsWorkflow     = "waybill/alerts"     // one for each rule: groups, windows, summaries
	CredentialWorkflow = "waybill/credential" // holds the tokens of an OAuth account
	IndexerWorkflow    = "waybill/indexer"    // the only one: what has been indexed, and what is next
	IndexTickWorkflow  = "waybill/index-tick" // of the Schedule: tells the indexer that it is time
	RebuildWorkflow    = "waybill/rebuild"    // a new index from archive and histories
	VerifyWorkflow     = "waybill/verify"     // compares histories, archive and index
	TakenWorkflow      = "waybill/taken"      // holds an id: where a process would stand, had nobody waited (ProcessStart), and of echoes
)

// Activity types of Waybill's own. A connector call runs as its implementation, "email.SEND".
const (
	SubscribeActivity      = "waybill/subscribe"        // Subscription
	ReturnMessageActivity  = "waybill/return-message"   // ReturnMessageInput
	StartByMessageActivity = "waybill/start-by-message" // Message -> id of the first instance, "" for none
	StartOtherwiseActivity = "waybill/start-otherwise"  // Message -> id of the instance of its Otherwise
	SyncStartsActivity     = "waybill/sync-starts"      // SyncStartsInput: timer and message start events follow the latest version
	ScriptActivity         = "waybill/script"           // ScriptInput -> ScriptResult, local
	WatchActivity          = "waybill/watch"            // WatchInput
	WatchGroupActivity     = "waybill/watch-group"      // WatchGroupInput
	CheckMailboxActivity   = "waybill/check-mailbox"    // MailboxConfig -> CheckResult
	TestMailboxActivity    = "waybill/test-mailbox"     // TestMailbox -> TestedMailbox
	CheckWebhookActivity   = "waybill/check-webhook"    // CheckWebhook -> WebhookCheck
	SendMailActivity       = "waybill/send-mail"        // SendMail -> SentMail
	FetchMailsActivity     = "waybill/fetch-mails"      // FetchMails -> FetchedMails
	AssignActivity         = "waybill/assign"           // Assignment
	DeliverActivity        = "waybill/deliver"          // DeliverInput -> DeliverResult
	PostActivity           = "waybill/post"             // PostInput -> PostResult
	ShelveActivity         = "waybill/shelve"           // Shelf
	UnshelveActivity       = "waybill/unshelve"         // key -> Shelf
	ClearShelfActivity     = "waybill/clear-shelf"      // key
	RaiseActivity          = "waybill/raise"            // RaiseInput -> RaiseResult
	AlertActivity          = "waybill/alert"            // Alert -> AlertResult, on AlertQueue
	PlanAlertActivity      = "waybill/plan-alert"       // AlertPlanInput -> AlertPlan, on AlertQueue
	ActOnAlertActivity     = "waybill/act-on-alert"     // AlertAct -> AlertActed, on AlertQueue
	NotifyActivity         = "waybill/notify"           // Notice -> Notified, on NoticeQueue
	TokenActivity          = "waybill/token"            // TokenRequest -> TokenAnswer, on CredentialQueue; for a device code on AccountQueue
	DeviceActivity         = "waybill/device-code"      // CredentialConfig -> DeviceAnswer, on CredentialQueue
	RevokeActivity         = "waybill/revoke-token"     // RevokeRequest, on CredentialQueue
)

// DefinitionID is the id of the workflow that holds the versions of a process.
func DefinitionID(key string) string { return "definition/" + key }

// TriggersID is the id of the workflow that holds the triggers of one event source, "connector.support.EMAIL_RECEIVED".
func TriggersID(source string) string { return "triggers/" + source }

// WebhooksID is the id of the workflow that holds the webhooks of a mailbox.
func WebhooksID(mailbox string) string { return "webhooks/" + mailbox }

// MailboxID is the id of the workflow that watches a mailbox.
func MailboxID(name string) string { return "mailbox/" + name }

// TaskID is the id of the workflow of a user task.
func TaskID(instance string, command int) string { return fmt.Sprintf("task/%s/%d", instance, command) }

// MessageID is the id of the workflow in which messages of a name and correlation key meet those who wait for them.
func MessageID(name, key string) string { return "message/" + Segment(name) + "/" + Segment(key) }

// MessageStartsID is the id of the workflow that knows which processes a message of this name starts.
func MessageStartsID(name string) string { return "message-starts/" + Segment(name) }

// PaceID is the id of the workflow that paces the calls of a connector.
func PaceID(connector string) string { return "pace/" + connector }

// CredentialID is the id of the workflow that holds the tokens of an OAuth account.
func CredentialID(name string) string { return "credential/" + name }

// AlertsID is the id of the workflow that groups the alerts of a rule.
func AlertsID(rule string) string { return "alerts/" + rule }

// IndexerID is the id of the workflow that indexes events.
const IndexerID = "indexer"

// Registries that there is one of in a namespace.
const (
	AlertRulesID = "alert-rules" // by the name of the rule
	TemplatesID  = "templates"   // mail templates, by tenant, name and locale
	PeopleID     = "people"      // addresses of users and groups, by kind and name
)

// ScheduleID is the id of the Temporal Schedule of a timer start event.
func ScheduleID(key, element string) string { return "start/" + key + "/" + Segment(element) }

// ReplyName is the name of the messages that calls of a connector wait for after they have been made.
func ReplyName(connector string) string { return "reply." + connector }

var plainSegment = regexp.MustCompile(`^[A-Za-z0-9._-]{0,64}$`)

// Segment makes text safe for an id: as it is when it is plain, else its SHA-256, since ids are never encrypted and
// text such as a correlation key may hold an address.
func Segment(text string) string {
	if plainSegment.MatchString(text) {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}
