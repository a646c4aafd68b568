package ews

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"

	"github.com/waybill-io/waybill/mail"
)

const idsPerRequest = 100

type updateItem struct {
	XMLName     xml.Name `xml:"m:UpdateItem"`
	Conflict    string   `xml:"ConflictResolution,attr"`
	Disposition string   `xml:"MessageDisposition,attr"`
	// The sender asked for a receipt from a reader; a process is none.
	Quiet   bool     `xml:"SuppressReadReceipts,attr"`
	Changes []change `xml:"m:ItemChanges>t:ItemChange"`
}

type change struct {
	ID   *ref
	Sets []setField `xml:"t:Updates>t:SetItemField"`
}

type setField struct {
	Field fieldURI `xml:"t:FieldURI"`
	Item  newValue
}

// newValue is an item, of the kind of the one to change, with nothing but the property to set.
type newValue struct {
	XMLName    xml.Name
	Categories *categories `xml:"t:Categories"`
	Read       *bool       `xml:"t:IsRead"`
}

type categories struct {
	Each []string `xml:"t:String"`
}

type moveItem struct {
	XMLName xml.Name `xml:"m:MoveItem"`
	To      refs     `xml:"m:ToFolderId"`
	IDs     refs     `xml:"m:ItemIds"`
}

type deleteItem struct {
	XMLName  xml.Name `xml:"m:DeleteItem"`
	Type     string   `xml:"DeleteType,attr"`
	Meetings string   `xml:"SendMeetingCancellations,attr"`
	Tasks    string   `xml:"AffectedTaskOccurrences,attr"`
	Quiet    bool     `xml:"SuppressReadReceipts,attr"`
	IDs      refs     `xml:"m:ItemIds"`
}

type itemsMessage struct {
	status
	Items struct {
		Each []itemData `xml:",any"`
	} `xml:"Items"`
}

// Acknowledge is idempotent: mails that are gone are passed over, and a call that was cut off in the middle may be
// repeated. Keyword is a category; those that the mail has stay. Delete moves to the deleted items.
func (a *Account) Acknowledge(ctx context.Context, folder string, ids []string, ack mail.Ack) error {
	for some := range slices.Chunk(ids, idsPerRequest) {
		if err := a.acknowledge(ctx, folder, some, ack); err != nil {
			return err
		}
	}
	return nil
}

func (a *Account) acknowledge(ctx context.Context, folder string, ids []string, ack mail.Ack) error {
	if ack.Seen || ack.Keyword != "" {
		if err := a.flag(ctx, folder, ids, ack); err != nil {
			return err
		}
	}
	list := refs{}
	for _, id := range ids {
		list.Each = append(list.Each, itemID(id))
	}
	switch {
	case ack.MoveTo != "":
		from, err := a.folder(ctx, folder)
		if err != nil {
			return err
		}
		to, err := a.create(ctx, ack.MoveTo)
		if err != nil {
			return err
		}
		if from == to { // it would be a new mail there, to be handled again
			return nil
		}
		op := fmt.Sprintf("move %d mails of %s to %s", len(ids), folder, ack.MoveTo)
		err = a.change(ctx, op, moveItem{To: refs{[]*ref{folderID(to)}}, IDs: list})
		if missing(err) {
			a.forget()
		}
		return err
	case ack.Delete:
		return a.change(ctx, fmt.Sprintf("delete %d mails of %s", len(ids), folder), deleteItem{
			Type: "MoveToDeletedItems", Meetings: "SendToNone", Tasks: "SpecifiedOccurrenceOnly", Quiet: true, IDs: list,
		})
	}
	return nil
}

// flag marks mails as read and gives them the category. Exchange can only replace the list of categories, so it is read
// first; what is as wanted is left alone, which makes no event.
func (a *Account) flag(ctx context.Context, folder string, ids []string, ack mail.Ack) error {
	op := fmt.Sprintf("flag %d mails of %s", len(ids), folder)
	request := getItem{Shape: properties("item:Categories", "message:IsRead")}
	for _, id := range ids {
		request.IDs.Each = append(request.IDs.Each, itemID(id))
	}
	messages, err := ask[itemsMessage](ctx, a, op, request)
	if err != nil {
		return err
	}
	update := updateItem{Conflict: "AlwaysOverwrite", Disposition: "SaveOnly", Quiet: true}
	for _, m := range messages {
		if failure := m.failure(op); failure != nil {
			if failure.Code == errItemNotFound {
				continue
			}
			return a.refusal(failure)
		}
		for _, item := range m.Items.Each {
			name := xml.Name{Local: "t:" + item.XMLName.Local}
			var sets []setField
			if ack.Seen && !item.Read && isMessage[item.XMLName.Local] { // others are neither read nor unread
				read := true
				sets = append(sets, setField{fieldURI{"message:IsRead"}, newValue{XMLName: name, Read: &read}})
			}
			if ack.Keyword != "" && !slices.Contains(item.Categories, ack.Keyword) {
				list := &categories{append(item.Categories, ack.Keyword)}
				sets = append(sets, setField{fieldURI{"item:Categories"}, newValue{XMLName: name, Categories: list}})
			}
			if len(sets) > 0 {
				update.Changes = append(update.Changes, change{itemID(item.ID.ID), sets})
			}
		}
	}
	if len(update.Changes) == 0 {
		return nil
	}
	return a.change(ctx, op, update)
}

// change runs an operation on several mails, of which some may be gone. The first other error is that of the call, after
// all were tried.
func (a *Account) change(ctx context.Context, op string, request any) error {
	messages, err := ask[itemsMessage](ctx, a, op, request)
	if err != nil {
		return err
	}
	var errs []error
	for _, m := range messages {
		if failure := m.failure(op); failure != nil && failure.Code != errItemNotFound && len(errs) == 0 {
			errs = append(errs, a.refusal(failure))
		}
	}
	return errors.Join(errs...)
}
