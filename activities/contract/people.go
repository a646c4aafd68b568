package contract

import (
	"net/mail"
	"strings"
	"unicode"
)

// Person is a user who gets mails: an entry of the registry of people, with the id UserEntry. A user whose id is an address needs none.
type Person struct {
	Name    string          `json:"name,omitempty"`
	Address string          `json:"address,omitempty"` // "": the id is one
	Locale  string          `json:"locale,omitempty"`  // of the mails, such as "de-AT"
	Groups  []string        `json:"groups,omitempty"`
	Mails   map[string]bool `json:"mails,omitempty"` // by topic; false: the person wants none
}

// Group is a group that gets mails, with the id GroupEntry: one mail to its Address, the list of its members, or else one to each member.
// A user is a member when either names the other.
type Group struct {
	Address string   `json:"address,omitempty"`
	Locale  string   `json:"locale,omitempty"` // of the mails to Address
	Members []string `json:"members,omitempty"`
}

// Prefixes of the ids in the registry of people.
const (
	UserPrefix  = "user/"
	GroupPrefix = "group/"
)

// UserEntry is the id of a user in the registry of people.
func UserEntry(user string) string { return UserPrefix + user }

// GroupEntry is the id of a group in the registry of people.
func GroupEntry(group string) string { return GroupPrefix + group }

// IsAddress reports whether text is a mail address, without a name.
func IsAddress(text string) bool {
	a, err := mail.ParseAddress(text)
	return err == nil && a.Address == text && !strings.ContainsFunc(text, unicode.IsSpace)
}
