package contract

// Notice is a mail that Waybill writes by itself from a template: of a task, an alert, a credential. It is the input of NotifyActivity.
type Notice struct {
	// Key is what makes it one mail: its Message-ID is made of it, so that a second try can be recognised.
	Key      string `json:"key"`
	Tenant   string `json:"tenant,omitempty"`   // whose server, sender and templates; "": the default ones
	Template string `json:"template"`           // such as "task-assigned"
	Fallback string `json:"fallback,omitempty"` // the bundled template that counts when Template cannot be used, beside the bundled one of its name
	Subject  string `json:"subject,omitempty"`  // instead of that of the template

	To  []string `json:"to,omitempty"` // addresses
	Cc  []string `json:"cc,omitempty"`
	Bcc []string `json:"bcc,omitempty"`
	// Users and Groups are looked up among the people; each gets a mail of their own, in their language, unless they want none of its Topic.
	Users  []string `json:"users,omitempty"`
	Groups []string `json:"groups,omitempty"`
	Except []string `json:"except,omitempty"` // users who get none as members of Groups: they have a mail of their own
	Topic  string   `json:"topic,omitempty"`  // what people can opt out of: "tasks"; "": nobody can

	// Data is what the template shows, and homeUrl, feedback and, when there is a Task, taskDirectUrl, which are never those of Data. Where it
	// has none of their names, templates see recipientName, and groupName of a mail to a group.
	Data Variables `json:"data,omitempty"`
	Task string    `json:"task,omitempty"` // id of the user task that it is about, for its link

	// Custom is a template of a model, instead of Template, which counts when this one cannot be used.
	Custom *MailTemplate `json:"custom,omitempty"`
}

// MailTemplate is a template that a model brings along, in FreeMarker unless File says otherwise.
type MailTemplate struct {
	From     string `json:"from,omitempty"`
	Subject  string `json:"subject,omitempty"` // "": that of the file, else of the template that it stands for
	File     string `json:"file,omitempty"`    // NAME.mail.html and NAME.mail.ftl are template files with a head; others hold HTML, .txt text
	Text     string `json:"text,omitempty"`    // what the file holds
	Variable string `json:"variable,omitempty"`
}

// Notified tells what became of a notice.
type Notified struct {
	Sent       []SentMail `json:"sent,omitempty"`
	Suppressed string     `json:"suppressed,omitempty"` // why nothing was sent, such as "email.enabled is false"
	Unknown    []string   `json:"unknown,omitempty"`    // users and groups without an address
	Declined   []string   `json:"declined,omitempty"`   // users who want none of the topic
	Refused    []string   `json:"refused,omitempty"`    // recipients whom the server takes no mail for, with its reason
	Omitted    int        `json:"omitted,omitempty"`    // how many people got none since 1,000 others did, the most that a notice goes to
	Problems   []string   `json:"problems,omitempty"`   // templates that could not be used, so that another took their place
}

// Templates that are bundled. A deployed one of the same name takes its place.
const (
	TemplateTaskAssigned  = "task-assigned"  // taskName, taskDirectUrl, homeUrl, taskCreator
	TemplateTaskGroup     = "task-group"     // and groupName
	TemplateTaskCandidate = "task-candidate" // taskName, taskDirectUrl, homeUrl
	TemplateTaskDue       = "task-due"       // and due
	TemplateAlert         = "alert"          // alert (Alert as an object), count, since, until, summary, links
	TemplateCredential    = "credential"     // credential, user, days, problem, expires, command
	TemplateTest          = "test"           // sentAt, server
)

// TopicTasks are mails about user tasks.
const TopicTasks = "tasks"
