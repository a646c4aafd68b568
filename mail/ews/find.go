package ews

import (
	"context"
	"encoding/xml"

	"github.com/waybill-io/waybill/mail"
)

// maxFound bounds the mails of one Message-ID, which are copies of each other.
const maxFound = 10

type findItem struct {
	XMLName   xml.Name `xml:"m:FindItem"`
	Traversal string   `xml:"Traversal,attr"`
	Shape     shape    `xml:"m:ItemShape"`
	View      struct {
		Max    int    `xml:"MaxEntriesReturned,attr"`
		Offset int    `xml:"Offset,attr"`
		Base   string `xml:"BasePoint,attr"`
	} `xml:"m:IndexedPageItemView"`
	Equal struct {
		Field fieldURI `xml:"t:FieldURI"`
		Value struct {
			Value string `xml:"Value,attr"`
		} `xml:"t:FieldURIOrConstant>t:Constant"`
	} `xml:"m:Restriction>t:IsEqualTo"`
	Parents refs `xml:"m:ParentFolderIds"`
}

type itemsPage struct {
	status
	Items struct {
		Each []itemData `xml:",any"`
	} `xml:"RootFolder>Items"`
}

// Find returns the mails of a folder with this Message-ID, with angle brackets.
func (a *Account) Find(ctx context.Context, folder, messageID string) ([]mail.Item, error) {
	id, err := a.folder(ctx, folder)
	if err != nil {
		return nil, err
	}
	request := findItem{Traversal: "Shallow", Shape: itemProperties(), Parents: refs{[]*ref{folderID(id)}}}
	request.View.Max, request.View.Base = maxFound, "Beginning"
	request.Equal.Field.URI, request.Equal.Value.Value = "message:InternetMessageId", messageID
	page, err := askOne[itemsPage](ctx, a, "find a mail in "+folder, request)
	if err != nil {
		return nil, err
	}
	var items []mail.Item
	for _, found := range page.Items.Each {
		if item, isMail := found.item(cursor{phase: phaseSteady}, mail.Position{}); isMail {
			items = append(items, item)
		}
	}
	return items, nil
}
