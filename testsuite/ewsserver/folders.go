package ewsserver

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// folder finds what a FolderId or DistinguishedFolderId names.
func (c *call) folder(id *node) (*folder, *failure) {
	var found *folder
	switch id.name {
	case "FolderId":
		for _, box := range c.server.mailboxes {
			if f := box.byID(id.attr("Id")); f != nil && (box == c.box || c.server.mayOpen(c.user, box.address)) {
				found = f
			}
		}
	case "DistinguishedFolderId":
		box := c.box
		if address := id.value("Mailbox", "EmailAddress"); address != "" && !strings.EqualFold(address, box.address) {
			if box = c.server.mailboxes[strings.ToLower(address)]; box == nil {
				return nil, refuse("ErrorNonExistentMailbox", "The SMTP address has no mailbox associated with it.")
			}
			if !c.server.mayOpen(c.user, box.address) {
				return nil, refuse("ErrorAccessDenied", "Access is denied. Check credentials and try again.")
			}
		}
		found = box.distinguished(id.attr("Id"))
	}
	if found == nil {
		return nil, refuse("ErrorFolderNotFound", "The specified folder could not be found in the store.")
	}
	return found, nil
}

func (c *call) getFolder() ([]*node, error) {
	var messages []*node
	for _, id := range c.request.at("FolderIds").children() {
		f, failed := c.folder(id)
		if failed != nil {
			messages = append(messages, message(c.operation, failed, el("m:Folders")))
			continue
		}
		messages = append(messages, message(c.operation, nil, el("m:Folders", f.node(c.request.at("FolderShape")))))
	}
	return messages, nil
}

func (c *call) findFolder() ([]*node, error) {
	deep := c.request.attr("Traversal") == "Deep"
	var messages []*node
	for _, id := range c.request.at("ParentFolderIds").children() {
		parent, failed := c.folder(id)
		if failed != nil {
			messages = append(messages, message(c.operation, failed))
			continue
		}
		var found []*folder
		for _, f := range parent.owner.folders {
			if f.parent == parent || deep && f.within(parent) {
				found = append(found, f)
			}
		}
		shown, paging := page(found, c.request.at("IndexedPageFolderView"))
		list := el("t:Folders")
		for _, f := range shown {
			list.kids = append(list.kids, f.node(c.request.at("FolderShape")))
		}
		root := el("m:RootFolder", list)
		root.attrs = paging
		messages = append(messages, message(c.operation, nil, root))
	}
	return messages, nil
}

// page cuts out what a view asks for, and returns the attributes that tell it.
func page[T any](all []T, view *node) ([]T, []attr) {
	first, end := 0, len(all)
	if view != nil {
		first, _ = strconv.Atoi(view.attr("Offset"))
		first = max(0, min(first, end))
		if n, err := strconv.Atoi(view.attr("MaxEntriesReturned")); err == nil && n > 0 {
			end = min(end, first+n)
		}
	}
	return all[first:end], []attr{
		{"IndexedPagingOffset", strconv.Itoa(end)},
		{"TotalItemsInView", strconv.Itoa(len(all))},
		{"IncludesLastItemInRange", strconv.FormatBool(end == len(all))},
	}
}

func (c *call) createFolder() ([]*node, error) {
	parents := c.request.at("ParentFolderId").children()
	if len(parents) != 1 {
		return nil, refuse("ErrorSchemaValidation", "ParentFolderId is missing.")
	}
	parent, failed := c.folder(parents[0])
	var messages []*node
	for _, wanted := range c.request.at("Folders").children() {
		name, failed := wanted.value("DisplayName"), failed
		if failed == nil && parent.owner.child(parent, name) != nil {
			failed = refuse("ErrorFolderExists", "A folder with the specified name already exists.")
		}
		if failed != nil {
			messages = append(messages, message(c.operation, failed, el("m:Folders")))
			continue
		}
		class := wanted.value("FolderClass")
		if class == "" {
			class = "IPF.Note"
		}
		f := c.server.newFolder(parent.owner, parent, name, class)
		messages = append(messages, message(c.operation, nil, el("m:Folders", f.node(el("FolderShape", el("BaseShape", "IdOnly"))))))
	}
	return messages, nil
}

// syncFolderHierarchy tells folders that were created or changed; the server deletes none.
func (c *call) syncFolderHierarchy() ([]*node, error) {
	since := 0
	if state := c.request.value("SyncState"); state != "" {
		text, err := base64.StdEncoding.DecodeString(state)
		if _, scanned := fmt.Sscanf(string(text), "hierarchy %d", &since); err != nil || scanned != nil {
			return c.unsynced(refuse("ErrorInvalidSyncStateData", "The sync state data is invalid.")), nil
		}
	}
	parent := c.box.distinguished("root")
	if ids := c.request.at("SyncFolderId").children(); len(ids) > 0 {
		var failed *failure
		if parent, failed = c.folder(ids[0]); failed != nil {
			return []*node{message(c.operation, failed)}, nil
		}
	}
	changes := el("m:Changes")
	for _, f := range parent.owner.folders {
		switch {
		case !f.within(parent):
		case f.created > since:
			changes.kids = append(changes.kids, el("t:Create", f.node(c.request.at("FolderShape"))))
		case f.changed > since:
			changes.kids = append(changes.kids, el("t:Update", f.node(c.request.at("FolderShape"))))
		}
	}
	state := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "hierarchy %d", parent.owner.changes))
	return []*node{message(c.operation, nil, el("m:SyncState", state), el("m:IncludesLastFolderInRange", "true"), changes)}, nil
}
