package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/waybill-io/waybill/activities/contract"
	"github.com/waybill-io/waybill/client"
)

// peopleColumns are those of a table of users.
var peopleColumns = []string{"user", "name", "address", "locale", "groups", "task-mails"}

func (a *app) peopleImportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE.csv",
		Short: "Note all users of a table",
		Long: "import reads a table (RFC 4180) whose first line names the columns: user, and any of " + strings.Join(peopleColumns[1:], ", ") + ". groups may hold\n" +
			"several, separated by semicolons; task-mails is true or false. Of users who are known, it changes what the table has columns for, and\n" +
			"leaves task-mails where the cell is empty. All lines are checked before the first user is noted. It may be repeated.",
		Example: `  starter people import people.csv
  printf 'user,address,groups\nada,ada@example.com,desk;sales\n' | starter people import -`,
		Args: need("FILE.csv"),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := readTable(cmd.InOrStdin(), args[0], "people")
			if err == nil {
				err = t.known("user", peopleColumns)
			}
			if err == nil && len(t.rows) == 0 {
				err = fmt.Errorf("%s: nobody is in it", t.name)
			}
			if err != nil {
				return usage(err)
			}
			return a.connected(cmd, func(ctx context.Context, c *client.Client) error {
				var known client.People
				err := a.answered(ctx, func(ctx context.Context) (err error) {
					known, err = c.People(ctx)
					return err
				})
				if err != nil {
					return err
				}
				users, err := mergePeople(t, known.Users)
				if err != nil {
					return usage(err)
				}
				err = c.PutPeople(ctx, known, users)
				if noWorker(err) {
					return unanswered(err)
				}
				if err != nil {
					return err
				}
				return a.print(cmd, map[string]int{"users": len(users)}, func(w io.Writer) { fmt.Fprintf(w, "noted %d users\n", len(users)) })
			})
		},
	}
}

// mergePeople are the users of a table over what is known of them. It tells everything that is wrong with the table.
func mergePeople(t *csvTable, known map[string]contract.Person) (map[string]contract.Person, error) {
	users := map[string]contract.Person{}
	var errs []error
	at := slices.Index(t.columns, "user")
	for i, row := range t.rows {
		id := strings.TrimSpace(row[at])
		p, err := personOf(t.columns, row, known[id])
		if _, twice := users[id]; err == nil && twice {
			err = fmt.Errorf("user %q is there twice", id)
		}
		if err == nil {
			err = client.CheckPerson(id, p)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: line %d: %w", t.name, t.lines[i], err))
		}
		users[id] = p
	}
	return users, errors.Join(errs...)
}

// personOf is a row over what is known.
func personOf(columns, row []string, p contract.Person) (contract.Person, error) {
	for i, column := range columns {
		value := strings.TrimSpace(row[i])
		switch column {
		case "name":
			p.Name = value
		case "address":
			p.Address = value
		case "locale":
			p.Locale = value
		case "groups":
			p.Groups = nil
			for group := range strings.SplitSeq(value, ";") {
				if group = strings.TrimSpace(group); group != "" {
					p.Groups = append(p.Groups, group)
				}
			}
		case "task-mails":
			switch strings.ToLower(value) {
			case "":
			case "true", "false":
				p.Mails = map[string]bool{contract.TopicTasks: strings.EqualFold(value, "true")}
			default:
				return p, fmt.Errorf("task-mails %q: true or false is expected", value)
			}
		}
	}
	return p, nil
}
