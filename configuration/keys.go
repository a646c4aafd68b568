package configuration

import "slices"

// sections are ours: a name in one of them that is not known is an error.
var sections = []string{"alert", "email", "elastic-search", "event"}

// obsolete begin names in our sections that earlier versions of the old product had, for servers that it brought along: they have no meaning any more.
var obsolete = []string{
	"elastic-search.cluster.name", "elastic-search.data.path", "elastic-search.discovery.", "elastic-search.enable.http", "elastic-search.network.",
	"elastic-search.node.name",
}

// chart begins names of the mailbox listener's chart, which are like some of ours.
var chart = []string{"RabbitMQ.", "Redis.", "ingress.", "log.", "service."}

// marks is the setting of the mailbox listener's chart that has a meaning here.
const marks = "FeaturesMarkEmailsAsSynchronized"

const (
	port     = 65535
	hour     = 3_600_000
	elastic  = "elastic-search.rest-client."
	tenants  = "email.tenants"
	ofTenant = "email.tenant."
)

// Keys are all settings that are known, but for those of tenants: email.tenant.NAME.KEY stands for email.KEY of a tenant that email.tenants lists.
func Keys() []Key {
	return slices.Concat(emailKeys(), alertKeys(), indexKeys(), eventKeys(), []Key{
		{Name: marks, Type: Bool, Default: "true", Aliases: []string{marks}, Meaning: "false: handled mail gets neither flag nor keyword"},
	})
}

func emailKeys() []Key {
	return []Key{
		{Name: "email.enabled", Type: Bool, Meaning: "false: mails are not sent, and what sends them says so; not set: true when a host is set"},
		{Name: "email.host", Type: Host, Meaning: "SMTP server"},
		{Name: "email.port", Type: Number, Least: 1, Most: port, Meaning: "its port; not set: 465 with email.ssl, 587 with email.tls, else 25"},
		{Name: "email.useCredentials", Type: Bool, Default: "false", Aliases: []string{"EMAIL_SMTP_AUTH"}, Meaning: "log in with the user name and the password"},
		{Name: "email.username", Type: Text, Meaning: "account at the server"},
		{Name: "email.password", Type: Secret, Meaning: "its password"},
		{Name: "email.ssl", Type: Bool, Default: "false", Aliases: []string{"EMAIL_SMTP_SSL"}, Meaning: "TLS from the first byte"},
		{Name: "email.tls", Type: Bool, Default: "false", Aliases: []string{"EMAIL_SMTP_STARTTLS"}, Meaning: "STARTTLS: required, never downgraded"},
		{Name: "email.ca", Type: File, Meaning: "PEM file with certificate authorities that are trusted beside those of the system"},
		{Name: "email.from.default", Type: Address, Aliases: []string{"EMAIL_FROM"}, Meaning: "sender of mails that name none"},
		{Name: "email.from.default.name", Type: Text, Meaning: "the name beside it"},
		{Name: "email.feedback.default", Type: Address, Meaning: "address for questions, which templates show"},
		{Name: "email.base.url", Type: URL, Meaning: "begins links in mails"},
		{Name: "email.oauth.authorization-url", Type: URL, Meaning: "where a person permits access; not set: client credentials"},
		{Name: "email.oauth.token-url", Type: URL, Meaning: "where access tokens are got"},
		{Name: "email.oauth.client-id", Type: Text, Meaning: "the application at the token server"},
		{Name: "email.oauth.client-secret", Type: Secret, Meaning: "its secret"},
		{Name: "email.oauth.scope", Type: Text, Meaning: "scopes, separated by blanks"},
		{Name: "email.connections", Type: Number, Least: 1, Most: 1000, Meaning: "connections to the server at a time, of one worker"},
		{Name: "email.rate", Type: Rate, Meaning: "mails a second at most, of one worker; not set: no bound"},
		{Name: "email.dkim.domain", Type: Text, Meaning: "domain that signs (DKIM)"},
		{Name: "email.dkim.selector", Type: Text, Meaning: "name of the key under the domain"},
		{Name: "email.dkim.key", Type: Secret, Meaning: "private key, PEM; usually file:/path"},
		{Name: tenants, Type: List, Meaning: "tenants with settings of their own: email.tenant.NAME.host and so on"},
	}
}

func alertKeys() []Key {
	return []Key{
		{Name: "alert.to", Type: List, Aliases: []string{"WAYBILL_ALERT_TO"}, Meaning: "addresses that are told of every alert while there are no rules, see docs/alerts.md"},
		{Name: "alert.ui.url", Type: URL, Aliases: []string{"WAYBILL_UI_URL"}, Meaning: "Temporal's Web UI, which alerts link to, such as http://localhost:8233"},
	}
}

func indexKeys() []Key {
	return []Key{
		{Name: "elastic-search.server.type", Type: Choice, Choices: []string{"none", "rest", "file", "client", "embedded"}, Default: "none", Meaning: "where events are indexed"},
		{Name: elastic + "address", Type: Hosts, Default: "localhost", Meaning: "servers"},
		{Name: elastic + "port", Type: Number, Least: 1, Most: port, Default: "9200", Meaning: "their port"},
		{Name: elastic + "schema", Type: Choice, Choices: []string{"http", "https"}, Default: "http", Meaning: "how they are spoken to"},
		{Name: elastic + "connect-timeout", Type: Millis, Least: 1, Most: hour, Default: "1000", Meaning: "for a connection"},
		{Name: elastic + "socket-timeout", Type: Millis, Least: 1, Most: hour, Default: "5000", Meaning: "for an answer"},
		{Name: elastic + "auth.enabled", Type: Bool, Default: "false", Meaning: "log in"},
		{Name: elastic + "username", Type: Text, Meaning: "account"},
		{Name: elastic + "password", Type: Secret, Meaning: "its password"},
		{Name: elastic + "api-key", Type: Secret, Meaning: "API key, in place of an account"},
		{Name: elastic + "keystore", Type: Text, Meaning: "file with the certificates that are trusted"},
		{Name: elastic + "keystore.type", Type: Choice, Choices: []string{"jks", "pkcs12", "pem"}, Default: "jks", Meaning: "what it is"},
		{Name: elastic + "keystore.password", Type: Secret, Meaning: "opens it"},
		{Name: "elastic-search.default.index.name", Type: Text, Default: "activiti", Meaning: "index prefix of the default tenant"},
		{Name: "elastic-search.tenant.index.prefix", Type: Text, Default: "activiti-tenant-", Meaning: "index prefix of the others"},
		{Name: "elastic-search.index.shards", Type: Number, Least: 1, Most: 1024, Default: "1", Meaning: "shards of an index"},
		{Name: "elastic-search.index.replicas", Type: Number, Least: 0, Most: 100, Meaning: "copies of a shard; not set: one where there is a second node"},
		{Name: "elastic-search.index.retention", Type: Number, Least: 0, Most: 36_500, Default: "0", Meaning: "days that indexes are kept which a rebuild has replaced; 0: until they are dropped"},
		{Name: "elastic-search.file.path", Type: Text, Meaning: "folder for the files of server type file"},
		{Name: "elastic-search.file.size", Type: Number, Least: 1, Most: 100_000, Default: "100", Meaning: "megabytes after which the next file is begun"},
	}
}

func eventKeys() []Key {
	return []Key{
		{Name: "event.generation.enabled", Type: Bool, Default: "true", Meaning: "events are recorded with the history"},
		{Name: "event.processing.enabled", Type: Bool, Default: "true", Meaning: "this worker indexes"},
		{Name: "event.processing.blocksize", Type: Number, Least: 1, Most: 100_000, Default: "100", Meaning: "executions that are indexed at a time"},
		{Name: "event.processing.cronExpression", Type: Cron, Default: "0/30 * * * * ?", Meaning: "when it is indexed"},
		{Name: "event.processing.expired.cronExpression", Type: Cron, Default: "0 0/30 * * * ?", Meaning: "accepted; Temporal sees to what has expired"},
		{Name: "event.processing.max.locktime", Type: Millis, Least: 1, Most: 24 * hour, Default: "600000", Meaning: "how long a block may take"},
		{Name: "event.processing.sweep.interval", Type: Millis, Least: 1000, Most: 24 * hour, Default: "600000", Meaning: "how long a look at all running instances takes at least"},
		{Name: "event.processing.processed.events.action", Type: Choice, Choices: []string{"move", "delete"}, Default: "move", Meaning: "what becomes of indexed events"},
		{Name: "event.processing.processed.action.cronExpression", Type: Cron, Default: "0 25/45 * * * ?", Meaning: "when the archive is written"},
	}
}
