package activities

import (
	"context"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

// maxRecipients bounds the mails of one notice.
const maxRecipients = 1000

// recipient is whom one mail goes to: a person, the list of a group, or, when it is the notice's own, all of To, Cc and Bcc.
type recipient struct {
	name    string
	address string
	locale  string
	group   string

	own         bool
	to, cc, bcc []string
}

func (r recipient) addresses() []string {
	if r.own {
		return slices.Concat(r.to, r.cc, r.bcc)
	}
	return []string{r.address}
}

// address finds who is to get a mail and has none yet.
func (n *Notifier) address(ctx context.Context, in contract.Notice, p *progress) ([]recipient, error) {
	var letters []recipient
	if len(in.To)+len(in.Cc)+len(in.Bcc) > 0 && !slices.Contains(p.Done, ownMail) {
		own := recipient{own: true, to: p.left(in.To), cc: p.left(in.Cc), bcc: p.left(in.Bcc)}
		if len(own.addresses()) > 0 {
			letters = append(letters, own)
		}
	}
	people, err := n.people(ctx, in)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, user := range in.Except {
		if r, ok := person(people, user); ok {
			seen[strings.ToLower(r.address)] = true
		}
	}
	unknown, declined := []string{}, []string{}
	recipients, omitted := 0, 0 // with those who have their mail already, so that all tries leave out the same
	add := func(r recipient) {
		if address := strings.ToLower(r.address); !seen[address] {
			seen[address] = true
			if recipients++; recipients > maxRecipients {
				omitted++
				return
			}
			if !p.done(r.address) {
				letters = append(letters, r)
			}
		}
	}
	addUser := func(user, group string) {
		r, ok := person(people, user)
		if wanted, says := people.Users[user].Mails[in.Topic]; says && !wanted && in.Topic != "" {
			if !slices.Contains(declined, user) {
				declined = append(declined, user)
			}
			return
		}
		if !ok {
			if !slices.Contains(unknown, user) {
				unknown = append(unknown, user)
			}
			return
		}
		r.group = group
		add(r)
	}
	for _, user := range in.Users {
		addUser(user, "")
	}
	for _, group := range in.Groups {
		members := people.Members(group)
		switch g := people.Groups[group]; {
		case g.Address != "":
			add(recipient{address: g.Address, locale: g.Locale, group: group})
		case len(members) > 0:
			for _, user := range members {
				addUser(user, group)
			}
		case contract.IsAddress(group):
			add(recipient{address: group, group: group})
		default:
			unknown = append(unknown, group)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Result.Unknown, p.Result.Declined, p.Result.Omitted = unknown, declined, omitted
	return letters, nil
}

// left are those of a list who have no mail yet.
func (p *progress) left(list []string) []string {
	return slices.DeleteFunc(slices.Clone(list), p.done)
}

// people are those that a notice needs: members of groups are known only when all people are.
func (n *Notifier) people(ctx context.Context, in contract.Notice) (client.People, error) {
	switch {
	case len(in.Groups) > 0:
		return n.client.People(ctx)
	case len(in.Users) > 0:
		users, err := n.client.Users(ctx, in.Users...)
		return client.People{Users: users}, err
	}
	return client.People{}, nil
}

// person is a user as one who gets mail; ok is false when no address is known.
func person(people client.People, user string) (r recipient, ok bool) {
	known := people.Users[user]
	r = recipient{name: known.Name, address: known.Address, locale: known.Locale}
	if r.address == "" && contract.IsAddress(user) {
		r.address = user
	}
	return r, r.address != ""
}
