package contract

import (
	"encoding/json"
	"regexp"
)

// Definition is a deployed process: everything that a run needs, so that a history is complete in itself.
type Definition struct {
	Key        string             `json:"key"`
	Version    int                `json:"version"`
	Digest     string             `json:"digest"` // SHA-256 of all fields below, hex
	Name       string             `json:"name,omitempty"`
	VersionTag string             `json:"versionTag,omitempty"`
	File       string             `json:"file,omitempty"`       // the model's file name, for messages
	Model      []byte             `json:"model"`                // the BPMN XML without diagram elements, gzip
	Extensions json.RawMessage    `json:"extensions,omitempty"` // the extensions file, files of it inlined
	MapDefault string             `json:"mapDefault,omitempty"` // "none" (also "") or "all"
	Uncaught   string             `json:"uncaught,omitempty"`   // BPMN errors that nothing catches: "" is an incident, "end" the silent end of the token
	Connectors map[string]Binding `json:"connectors,omitempty"` // by implementation
	TaskMails  string             `json:"taskMails,omitempty"`  // who gets mails of user tasks: "" nobody, "model" as the model says, "all" also where it says nothing
	Tenant     string             `json:"tenant,omitempty"`     // whose mail server, sender and templates count; "": none. Keys are unique over all tenants
	Suspended  bool               `json:"suspended,omitempty"`  // in the answer to a query: no instance may start
}

// Binding is what a process needs to know of a connector action to call it.
type Binding struct {
	TaskQueue string `json:"taskQueue"`
	Retry     Retry  `json:"retry"`
	TimeoutMS int64  `json:"timeoutMs"` // of one attempt
	// UnclaimedMS is how long a call may wait for a worker to take it; 0: for ever.
	UnclaimedMS int64 `json:"unclaimedMs,omitempty"`
}

// Retry is a retry policy as plain data. Attempts 0: unlimited.
type Retry struct {
	Attempts    int     `json:"attempts,omitempty"`
	IntervalMS  int64   `json:"intervalMs,omitempty"`
	Coefficient float64 `json:"coefficient,omitempty"`
	MaxMS       int64   `json:"maxMs,omitempty"`
}

// Definition.TaskMails.
const (
	TaskMailsModel = "model"
	TaskMailsAll   = "all"
)

var validTenant = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)

// TenantRule says in words what ValidTenant accepts.
const TenantRule = "1 to 63 letters, digits, - and _, beginning with a letter or a digit"

// ValidTenant reports whether a tenant may be called so.
func ValidTenant(name string) bool { return validTenant.MatchString(name) }

// TenantMemo is the memo of an instance with the tenant of its definition, for lists.
const TenantMemo = "tenant"

// Updates and queries of the definition workflow.
const (
	DeployUpdate            = "deploy"   // Definition -> DeployResult; starts the workflow when there is none
	UndeployUpdate          = "undeploy" // removes all versions; instances go on
	SuspendDefinitionUpdate = "suspend"  // bool: whether instances may not start
	DefinitionQuery         = "get"      // version (0: the latest) -> Definition
	VersionsQuery           = "versions" // -> []VersionInfo
)

// DeployResult is the answer to DeployUpdate.
type DeployResult struct {
	Key     string `json:"key"`
	Version int    `json:"version"`
	Changed bool   `json:"changed"` // false: this content was the latest already
}

// VersionInfo is a line of the list of versions.
type VersionInfo struct {
	Version    int    `json:"version"`
	Digest     string `json:"digest"`
	VersionTag string `json:"versionTag,omitempty"`
	Tenant     string `json:"tenant,omitempty"`
}

// DefinitionState is the input of the definition workflow.
type DefinitionState struct {
	Versions  []Definition `json:"versions,omitempty"`
	Last      int          `json:"last,omitempty"`
	Suspended bool         `json:"suspended,omitempty"`
}

// SyncStartsInput names the version whose start events count from now on: one without a model has none. Old holds the version before.
type SyncStartsInput struct {
	Definition Definition  `json:"definition"`
	Old        *Definition `json:"old,omitempty"`
}
