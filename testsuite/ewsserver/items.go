package ewsserver

import (
	"encoding/base64"
	"slices"
	"strings"
	"time"
)

func (c *call) item(id string) (*item, *failure) {
	for _, box := range c.server.mailboxes {
		if i := box.item(id); i != nil && (box == c.box || c.server.mayOpen(c.user, box.address)) {
			return i, nil
		}
	}
	return nil, refuse("ErrorItemNotFound", "The specified object was not found in the store.")
}

// each answers for every id of ItemIds on its own.
func (c *call) each(do func(*item) (*node, *failure)) ([]*node, error) {
	var messages []*node
	for _, id := range c.request.at("ItemIds").children() {
		i, failed := c.item(id.attr("Id"))
		var answer *node
		if failed == nil {
			answer, failed = do(i)
		}
		if failed != nil {
			answer = el("m:Items")
		}
		messages = append(messages, message(c.operation, failed, answer))
	}
	return messages, nil
}

var idOnly = el("ItemShape", el("BaseShape", "IdOnly"))

func (c *call) getItem() ([]*node, error) {
	shape := c.request.at("ItemShape")
	return c.each(func(i *item) (*node, *failure) {
		if i.unmimeable && isTrue(shape.value("IncludeMimeContent")) {
			return nil, refuse("ErrorMimeContentConversionFailed", "Content conversion failed.")
		}
		return el("m:Items", i.node(shape)), nil
	})
}

// findItem knows one restriction, a Message-ID, and sorts by arrival, latest first.
func (c *call) findItem() ([]*node, error) {
	var messages []*node
	for _, id := range c.request.at("ParentFolderIds").children() {
		f, failed := c.folder(id)
		if failed != nil {
			messages = append(messages, message(c.operation, failed))
			continue
		}
		all := f.live()
		if wanted := c.request.at("Restriction", "IsEqualTo"); wanted != nil {
			if field := wanted.at("FieldURI").attr("FieldURI"); field != "message:InternetMessageId" {
				return nil, refuse("ErrorUnsupportedPathForQuery", "There is no search by %s here.", field)
			}
			id := wanted.at("FieldURIOrConstant", "Constant").attr("Value")
			all = slices.DeleteFunc(all, func(i *item) bool { return i.header.messageID != id })
		}
		slices.SortStableFunc(all, func(a, b *item) int { return b.received.Compare(a.received) })
		shown, paging := page(all, c.request.at("IndexedPageItemView"))
		list := el("t:Items")
		for _, i := range shown {
			list.kids = append(list.kids, i.node(c.request.at("ItemShape")))
		}
		root := el("m:RootFolder", list)
		root.attrs = paging
		messages = append(messages, message(c.operation, nil, root))
	}
	return messages, nil
}

func (c *call) createItem() ([]*node, error) {
	disposition := c.request.attr("MessageDisposition")
	target := c.box.distinguished("drafts")
	if disposition == "SendAndSaveCopy" {
		target = c.box.distinguished("sentitems")
	}
	if ids := c.request.at("SavedItemFolderId").children(); len(ids) > 0 {
		var failed *failure
		if target, failed = c.folder(ids[0]); failed != nil {
			return []*node{message(c.operation, failed, el("m:Items"))}, nil
		}
	}
	var messages []*node
	for _, given := range c.request.at("Items").children() {
		raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(given.value("MimeContent")), ""))
		if err != nil {
			messages = append(messages, message(c.operation, refuse("ErrorMimeContentInvalidBase64String", "The MIME content is not base64."), el("m:Items")))
			continue
		}
		if len(raw) == 0 {
			if raw, err = c.server.compose(c.box.address, given); err != nil {
				return nil, err
			}
		}
		i := &item{class: "IPM.Note", raw: raw, header: readHeader(raw), received: time.Now(), read: isTrue(given.value("IsRead"))}
		for _, category := range given.at("Categories").children() {
			i.categories = append(i.categories, category.value())
		}
		if disposition == "SendOnly" || disposition == "SendAndSaveCopy" {
			c.server.send(i)
		}
		list := el("m:Items")
		if disposition != "SendOnly" {
			i.read = i.read || disposition == "SendAndSaveCopy"
			c.server.add(target, i)
			c.server.publish(event{kind: "CreatedEvent", item: i})
			list.kids = append(list.kids, i.node(idOnly))
		}
		messages = append(messages, message(c.operation, nil, list))
	}
	return messages, nil
}

// send delivers to the recipients that have a mailbox here.
func (s *Server) send(i *item) {
	for _, address := range append(slices.Clone(i.header.to), i.header.cc...) {
		if box := s.mailboxes[strings.ToLower(address)]; box != nil {
			s.deliver(box.distinguished("inbox"), &item{class: i.class, raw: i.raw, header: i.header, received: time.Now()})
		}
	}
}

// deliver puts a mail that arrives into a folder.
func (s *Server) deliver(f *folder, i *item) *item {
	s.add(f, i)
	s.publish(event{kind: "NewMailEvent", item: i})
	s.publish(event{kind: "CreatedEvent", item: i})
	return i
}

func (c *call) updateItem() ([]*node, error) {
	overwrite := c.request.attr("ConflictResolution") == "AlwaysOverwrite"
	var messages []*node
	for _, change := range c.request.at("ItemChanges").children() {
		id := change.at("ItemId")
		i, failed := c.item(id.attr("Id"))
		if failed == nil && !overwrite && id.attr("ChangeKey") == "" {
			failed = refuse("ErrorChangeKeyRequired", "A change key is required for this operation.")
		}
		for _, update := range change.at("Updates").children() {
			if failed == nil {
				failed = i.update(update)
			}
		}
		if failed != nil {
			messages = append(messages, message(c.operation, failed, el("m:Items")))
			continue
		}
		i.version++
		c.server.publish(event{kind: "ModifiedEvent", item: i})
		messages = append(messages, message(c.operation, nil, el("m:Items", i.node(idOnly)), el("m:ConflictResults", el("t:Count", "0"))))
	}
	return messages, nil
}

func (i *item) update(update *node) *failure {
	value := el("nothing")
	for _, part := range update.kids {
		if part.name != "FieldURI" {
			value = part
		}
	}
	if "t:"+value.name != i.element() {
		return refuse("ErrorInvalidPropertySet", "A %s is not changed by a %s.", i.element(), value.name)
	}
	switch uri := update.at("FieldURI").attr("FieldURI"); uri {
	case "message:IsRead":
		i.in.changes++
		i.read, i.readChanged = isTrue(value.value("IsRead")), i.in.changes
	case "item:Categories":
		i.in.changes++
		i.categories, i.changed = nil, i.in.changes
		for _, category := range value.at("Categories").children() {
			i.categories = append(i.categories, category.value())
		}
	default:
		return refuse("ErrorInvalidPropertySet", "The property %s cannot be set here.", uri)
	}
	return nil
}

func (c *call) moveItem() ([]*node, error) {
	ids := c.request.at("ToFolderId").children()
	if len(ids) != 1 {
		return nil, refuse("ErrorSchemaValidation", "ToFolderId is missing.")
	}
	to, failed := c.folder(ids[0])
	return c.each(func(i *item) (*node, *failure) {
		if failed != nil {
			return nil, refuse("ErrorToFolderNotFound", "The destination folder could not be found.")
		}
		return el("m:Items", c.server.move(i, to).node(idOnly)), nil
	})
}

func (c *call) deleteItem() ([]*node, error) {
	return c.each(func(i *item) (*node, *failure) {
		if c.request.attr("DeleteType") == "MoveToDeletedItems" {
			c.server.move(i, i.in.owner.distinguished("deleteditems"))
			return nil, nil
		}
		c.server.remove(i)
		c.server.publish(event{kind: "DeletedEvent", item: i})
		return nil, nil
	})
}
