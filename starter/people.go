package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

func (a *app) peopleCommand() *cobra.Command {
	return group("people", "Look after the addresses of users and groups, who get mails of their tasks",
		a.peopleListCommand(), a.peopleShowCommand(), a.peoplePutCommand(), a.peoplePutGroupCommand(), a.peopleRemoveCommand(), a.peopleImportCommand())
}

func (a *app) peopleListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the users and groups that are known",
		Example: `  starter people list`,
		Args:    need(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				people, err := c.People(ctx)
				if err != nil {
					return err
				}
				return a.print(cmd, people, func(w io.Writer) { printPeople(w, people) })
			})
		},
	}
}

func printPeople(w io.Writer, people client.People) {
	var rows [][]string
	for _, id := range slices.Sorted(maps.Keys(people.Users)) {
		p := people.Users[id]
		rows = append(rows, []string{"user", id, p.Name, p.Address, p.Locale, strings.Join(p.Groups, ", "), wanted(p)})
	}
	for _, id := range slices.Sorted(maps.Keys(people.Groups)) {
		rows = append(rows, []string{"group", id, "", people.Groups[id].Address, people.Groups[id].Locale, strings.Join(people.Members(id), ", "), ""})
	}
	table(w, "nobody is known", []string{"KIND", "ID", "NAME", "ADDRESS", "LOCALE", "GROUPS / MEMBERS", "MAILS OF TASKS"}, rows)
}

func wanted(p contract.Person) string {
	if on, says := p.Mails[contract.TopicTasks]; says && !on {
		return "no"
	}
	return "yes"
}

func (a *app) peopleShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show ID",
		Short:   "Show what is known of a user or a group",
		Example: `  starter people show ada`,
		Args:    need("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				people, err := c.People(ctx)
				if err != nil {
					return err
				}
				id := args[0]
				user, isUser := people.Users[id]
				group, isGroup := people.Groups[id]
				some := client.People{Users: map[string]contract.Person{}, Groups: map[string]contract.Group{}}
				if isUser {
					some.Users[id] = user
				}
				if isGroup {
					some.Groups[id] = group
				}
				if !isUser && !isGroup && len(people.Members(id)) == 0 {
					return fmt.Errorf("user or group %q: %w", id, client.ErrNotFound)
				}
				return a.print(cmd, some, func(w io.Writer) {
					if isUser {
						fields(w, "user", id, "name", user.Name, "address", user.Address, "locale", user.Locale, "groups", strings.Join(user.Groups, ", "), "mails of tasks", wanted(user))
					}
					if isGroup || !isUser {
						fields(w, "group", id, "address", group.Address, "locale", group.Locale, "members", strings.Join(people.Members(id), ", "))
					}
				})
			})
		},
	}
}

func (a *app) peoplePutCommand() *cobra.Command {
	var p contract.Person
	var tasks bool
	cmd := &cobra.Command{
		Use:   "put USER",
		Short: "Note the address of a user, or change what is known",
		Long: "put changes what its flags say, and leaves the rest as it was. USER is the name that models and tasks have for the user; one that is an\n" +
			"address itself needs none.",
		Example: `  starter people put ada --name 'Ada Lovelace' --address ada@example.com --locale en --group desk
  starter people put ada --task-mails=false`,
		Args: need("USER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				known, err := c.Users(ctx, args[0])
				if err != nil {
					return err
				}
				merged := known[args[0]]
				changed := cmd.Flags().Changed
				if changed("name") {
					merged.Name = p.Name
				}
				if changed("address") {
					merged.Address = p.Address
				}
				if changed("locale") {
					merged.Locale = p.Locale
				}
				if changed("group") {
					merged.Groups = slices.DeleteFunc(p.Groups, func(g string) bool { return g == "" })
				}
				if changed("task-mails") {
					merged.Mails = map[string]bool{contract.TopicTasks: tasks}
				}
				if err := c.PutPerson(ctx, args[0], merged); err != nil {
					return err
				}
				return a.print(cmd, merged, func(w io.Writer) { fmt.Fprintf(w, "noted user %s\n", args[0]) })
			})
		},
	}
	cmd.Flags().StringVar(&p.Name, "name", "", "the name in mails")
	cmd.Flags().StringVar(&p.Address, "address", "", "the mail address")
	cmd.Flags().StringVar(&p.Locale, "locale", "", "the language of mails, such as de or de-AT")
	cmd.Flags().StringSliceVar(&p.Groups, "group", nil, "the groups of the user, in place of those known; may be repeated")
	cmd.Flags().BoolVar(&tasks, "task-mails", true, "whether the user wants mails of tasks")
	return cmd
}

func (a *app) peoplePutGroupCommand() *cobra.Command {
	var g contract.Group
	cmd := &cobra.Command{
		Use:   "put-group GROUP",
		Short: "Note the mailing list or the members of a group",
		Long: "put-group replaces what is known of a group. With --address, mails to the group are one mail to that address; without, one to each member.\n" +
			"Members are also the users whose entries name the group.",
		Example: `  starter people put-group desk --member ada --member bert
  starter people put-group sales --address sales@example.com --locale de`,
		Args: need("GROUP"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				if err := c.PutGroup(ctx, args[0], g); err != nil {
					return err
				}
				return a.print(cmd, g, func(w io.Writer) { fmt.Fprintf(w, "noted group %s\n", args[0]) })
			})
		},
	}
	cmd.Flags().StringVar(&g.Address, "address", "", "the address of the group's mailing list")
	cmd.Flags().StringVar(&g.Locale, "locale", "", "the language of mails to it")
	cmd.Flags().StringSliceVar(&g.Members, "member", nil, "a member; may be repeated")
	return cmd
}

func (a *app) peopleRemoveCommand() *cobra.Command {
	var isGroup bool
	cmd := &cobra.Command{
		Use:   "remove USER",
		Short: "Forget a user or, with --group, a group",
		Example: `  starter people remove ada
  starter people remove desk --group`,
		Args: need("USER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd, func(ctx context.Context, c *client.Client) error {
				remove := c.RemovePerson
				if isGroup {
					remove = c.RemoveGroup
				}
				if err := remove(ctx, args[0]); err != nil {
					return err
				}
				return a.print(cmd, map[string]string{"removed": args[0]}, func(w io.Writer) { fmt.Fprintf(w, "removed %s\n", args[0]) })
			})
		},
	}
	cmd.Flags().BoolVar(&isGroup, "group", false, "it is a group")
	return cmd
}
