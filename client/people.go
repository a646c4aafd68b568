package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/mail/template"
)

// People are those who get mails.
type People struct {
	Users  map[string]contract.Person `json:"users"`
	Groups map[string]contract.Group  `json:"groups"`

	entries []contract.RegistryEntry // that they were read from
}

// PutPerson writes what is known of a user, in place of what was.
func (c *Client) PutPerson(ctx context.Context, id string, p contract.Person) error {
	err := CheckPerson(id, p)
	if err == nil {
		p.Locale = cleanLocale(p.Locale)
		err = c.putPeople(ctx, contract.UserEntry(id), p)
	}
	if err != nil {
		return fmt.Errorf("user %q: %w", id, err)
	}
	return nil
}

// PutPeople writes what is known of many users, in place of what was: all of them or, when they are too many beside those that were
// known a moment ago, none.
func (c *Client) PutPeople(ctx context.Context, known People, users map[string]contract.Person) error {
	var entries []contract.RegistryEntry
	for _, id := range slices.Sorted(maps.Keys(users)) {
		p := users[id]
		if err := CheckPerson(id, p); err != nil {
			return fmt.Errorf("user %q: %w", id, err)
		}
		p.Locale = cleanLocale(p.Locale)
		value, err := json.Marshal(p)
		if err != nil {
			return fmt.Errorf("user %q: %w", id, err)
		}
		entries = append(entries, contract.RegistryEntry{ID: contract.UserEntry(id), Value: value})
	}
	if err := room(known.entries, entries); err != nil {
		return fmt.Errorf("note %d users: %w", len(entries), err)
	}
	if done, err := c.putMany(ctx, contract.PeopleID, entries); err != nil {
		return fmt.Errorf("after %d of %d users: %w", done, len(entries), err)
	}
	return nil
}

// CheckPerson tells what keeps a user from being noted.
func CheckPerson(id string, p contract.Person) error {
	p.Locale = cleanLocale(p.Locale)
	err := errors.Join(validID("user", id), validAddress(p.Address, id), validLocale(p.Locale))
	if len(p.Name) > maxPersonID || strings.ContainsFunc(p.Name, unicode.IsControl) || !utf8.ValidString(p.Name) {
		err = errors.Join(err, fmt.Errorf("name %.40q: one line of at most %d bytes is expected", p.Name, maxPersonID))
	}
	for topic := range p.Mails {
		if topic != contract.TopicTasks {
			err = errors.Join(err, fmt.Errorf("mails of %q: only those of %q can be declined", topic, contract.TopicTasks))
		}
	}
	for _, group := range p.Groups {
		err = errors.Join(err, validID("group", group))
	}
	return err
}

// PutGroup writes what is known of a group, in place of what was.
func (c *Client) PutGroup(ctx context.Context, id string, g contract.Group) error {
	g.Locale = cleanLocale(g.Locale)
	err := errors.Join(validID("group", id), validLocale(g.Locale))
	if g.Address != "" {
		err = errors.Join(err, validAddress(g.Address, ""))
	}
	for _, member := range g.Members {
		err = errors.Join(err, validID("member", member))
	}
	if err == nil {
		err = c.putPeople(ctx, contract.GroupEntry(id), g)
	}
	if err != nil {
		return fmt.Errorf("group %q: %w", id, err)
	}
	return nil
}

func (c *Client) putPeople(ctx context.Context, id string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return c.Put(ctx, contract.PeopleID, id, text)
}

// RemovePerson forgets a user.
func (c *Client) RemovePerson(ctx context.Context, id string) error {
	return c.removePeople(ctx, "user", id, contract.UserEntry(id))
}

// RemoveGroup forgets a group, not its members.
func (c *Client) RemoveGroup(ctx context.Context, id string) error {
	return c.removePeople(ctx, "group", id, contract.GroupEntry(id))
}

func (c *Client) removePeople(ctx context.Context, what, id, entry string) error {
	if err := c.removeKnown(ctx, contract.PeopleID, entry); err != nil {
		return fmt.Errorf("remove %s %q: %w", what, id, err)
	}
	return nil
}

// People are all users and groups that are known.
func (c *Client) People(ctx context.Context) (People, error) {
	entries, err := c.Entries(ctx, contract.PeopleID)
	if err != nil {
		return People{}, fmt.Errorf("read the people: %w", err)
	}
	return people(entries)
}

// Users are those of some users that are known.
func (c *Client) Users(ctx context.Context, ids ...string) (map[string]contract.Person, error) {
	entries := make([]string, len(ids))
	for i, id := range ids {
		entries[i] = contract.UserEntry(id)
	}
	found, err := c.some(ctx, contract.PeopleID, entries...)
	if err != nil {
		return nil, fmt.Errorf("read the people: %w", err)
	}
	p, err := people(found)
	return p.Users, err
}

func people(entries []contract.RegistryEntry) (People, error) {
	p := People{Users: map[string]contract.Person{}, Groups: map[string]contract.Group{}, entries: entries}
	for _, e := range entries {
		var err error
		if id, ok := strings.CutPrefix(e.ID, contract.UserPrefix); ok {
			var user contract.Person
			err = json.Unmarshal(e.Value, &user)
			p.Users[id] = user
		} else if id, ok := strings.CutPrefix(e.ID, contract.GroupPrefix); ok {
			var group contract.Group
			err = json.Unmarshal(e.Value, &group)
			p.Groups[id] = group
		}
		if err != nil {
			return p, fmt.Errorf("read %q of the people: %w", e.ID, err)
		}
	}
	return p, nil
}

// Members are the users of a group, in order.
func (p People) Members(group string) []string {
	members := slices.Clone(p.Groups[group].Members)
	for id, user := range p.Users {
		if slices.Contains(user.Groups, group) {
			members = append(members, id)
		}
	}
	slices.Sort(members)
	return slices.Compact(members)
}

const maxPersonID = 200

func validID(what, id string) error {
	if id == "" || len(id) > maxPersonID || strings.ContainsFunc(id, unicode.IsControl) || strings.TrimSpace(id) != id {
		return fmt.Errorf("%s %.40q: 1 to %d bytes without blanks around them are expected", what, id, maxPersonID)
	}
	return nil
}

// validAddress checks an address; without one, the id must be one.
func validAddress(address, id string) error {
	if address == "" && contract.IsAddress(id) {
		return nil
	}
	if !contract.IsAddress(address) {
		return fmt.Errorf("address %q: a mail address such as ada@example.com is expected", address)
	}
	return nil
}

func cleanLocale(text string) string {
	if locale := template.Locale(text); locale != "" {
		return locale
	}
	return text
}

func validLocale(locale string) error {
	if locale != "" && template.Locale(locale) == "" {
		return fmt.Errorf("locale %q: a language, or one with a country, is expected, such as de or de-AT", locale)
	}
	return nil
}
