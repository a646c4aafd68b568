package ewsserver

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
)

const maxChanges = 512 // MS-OXWSSYNC, MaxChangesReturned

// syncFolderItems tells what changed in a folder since the state: all that happened to an item as one change.
func (c *call) syncFolderItems() ([]*node, error) {
	ids := c.request.at("SyncFolderId").children()
	if len(ids) != 1 {
		return nil, refuse("ErrorSchemaValidation", "SyncFolderId is missing.")
	}
	f, failed := c.folder(ids[0])
	if failed != nil {
		return c.unsynced(failed), nil
	}
	limit, err := strconv.Atoi(c.request.value("MaxChangesReturned"))
	if err != nil || limit < 1 || limit > maxChanges {
		return nil, refuse("ErrorSchemaValidation", "MaxChangesReturned must be between 1 and %d.", maxChanges)
	}
	since, known := c.server.readState(f, c.request.value("SyncState"))
	if !known {
		return c.unsynced(refuse("ErrorInvalidSyncStateData", "The sync state data is invalid.")), nil
	}

	type change struct {
		number int
		node   *node
	}
	var found []change
	shape := c.request.at("ItemShape")
	for _, i := range f.items {
		switch {
		case i.deleted && i.created <= since && i.changed > since:
			found = append(found, change{i.changed, el("t:Delete", i.idNode("t:ItemId"))})
		case i.deleted:
		case i.created > since:
			found = append(found, change{max(i.created, i.changed, i.readChanged), el("t:Create", i.node(shape))})
		case i.changed > since:
			found = append(found, change{max(i.changed, i.readChanged), el("t:Update", i.node(shape))})
		case i.readChanged > since:
			found = append(found, change{i.readChanged, el("t:ReadFlagChange", i.idNode("t:ItemId"), el("t:IsRead", strconv.FormatBool(i.read)))})
		}
	}
	slices.SortFunc(found, func(a, b change) int { return a.number - b.number })
	reached, last := f.changes, true
	if len(found) > limit {
		found, last = found[:limit], false
		reached = found[limit-1].number
	}
	changes := el("m:Changes")
	for _, one := range found {
		changes.kids = append(changes.kids, one.node)
	}
	return []*node{message(c.operation, nil,
		el("m:SyncState", c.server.writeState(f, reached)),
		el("m:IncludesLastItemInRange", strconv.FormatBool(last)),
		changes)}, nil
}

func (s *Server) writeState(f *folder, reached int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%d %d %s", s.generation, reached, f.id))
}

func (s *Server) readState(f *folder, state string) (since int, known bool) {
	if state == "" {
		return 0, true
	}
	text, err := base64.StdEncoding.DecodeString(state)
	var generation int
	var id string
	if _, scanned := fmt.Sscanf(string(text), "%d %d %s", &generation, &since, &id); err != nil || scanned != nil {
		return 0, false
	}
	return since, generation == s.generation && id == f.id
}

// unsynced has the empty state that clients look for in every answer.
func (c *call) unsynced(failed *failure) []*node {
	return []*node{message(c.operation, failed, el("m:SyncState"), el("m:IncludesLastItemInRange", "true"))}
}
