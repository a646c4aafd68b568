package ews

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/waybill-io/waybill/mail"
)

// Inbox is the name of the inbox, whatever it is called in the user's language. Other folders are named by their path
// below the top of the mailbox, with "/" between names; those inside the inbox begin with "INBOX/".
const Inbox = "INBOX"

const (
	foldersPerPage = 500
	maxFolders     = 20000
)

// ref names a folder or an item: by an id, or a folder by what it is for.
type ref struct {
	XMLName xml.Name
	ID      string  `xml:"Id,attr"`
	Mailbox *string `xml:"t:Mailbox>t:EmailAddress"` // nil: no such element
}

func folderID(id string) *ref { return &ref{XMLName: xml.Name{Local: "t:FolderId"}, ID: id} }
func itemID(id string) *ref   { return &ref{XMLName: xml.Name{Local: "t:ItemId"}, ID: id} }

// distinguished is a folder of the account's mailbox, whose owner must be named unless the user is or acts as the owner.
func (a *Account) distinguished(name string) *ref {
	r := &ref{XMLName: xml.Name{Local: "t:DistinguishedFolderId"}, ID: name}
	if a.cfg.Mailbox != "" && !a.cfg.Impersonate {
		r.Mailbox = &a.cfg.Mailbox
	}
	return r
}

type refs struct{ Each []*ref }

// shape says which properties an answer holds.
type shape struct {
	Base  string     `xml:"t:BaseShape"`
	MIME  string     `xml:"t:IncludeMimeContent,omitempty"`
	Body  string     `xml:"t:BodyType,omitempty"`
	Extra *fieldURIs `xml:"t:AdditionalProperties"`
}

type fieldURIs struct {
	Each []fieldURI `xml:"t:FieldURI"`
}

type fieldURI struct {
	URI string `xml:"FieldURI,attr"`
}

func properties(uris ...string) shape {
	s := shape{Base: "IdOnly", Extra: &fieldURIs{}}
	for _, uri := range uris {
		s.Extra.Each = append(s.Extra.Each, fieldURI{uri})
	}
	return s
}

type getFolder struct {
	XMLName xml.Name `xml:"m:GetFolder"`
	Shape   shape    `xml:"m:FolderShape"`
	IDs     refs     `xml:"m:FolderIds"`
}

type findFolder struct {
	XMLName   xml.Name `xml:"m:FindFolder"`
	Traversal string   `xml:"Traversal,attr"`
	Shape     shape    `xml:"m:FolderShape"`
	View      struct {
		Max    int    `xml:"MaxEntriesReturned,attr"`
		Offset int    `xml:"Offset,attr"`
		Base   string `xml:"BasePoint,attr"`
	} `xml:"m:IndexedPageFolderView"`
	Parents refs `xml:"m:ParentFolderIds"`
}

type createFolder struct {
	XMLName xml.Name `xml:"m:CreateFolder"`
	Parent  refs     `xml:"m:ParentFolderId"`
	Name    string   `xml:"m:Folders>t:Folder>t:DisplayName"`
}

type identity struct {
	ID string `xml:"Id,attr"`
}

type folderData struct {
	ID     identity `xml:"FolderId"`
	Parent identity `xml:"ParentFolderId"`
	Name   string   `xml:"DisplayName"`
	Class  string   `xml:"FolderClass"`
}

type foldersMessage struct {
	status
	Folders struct {
		Each []folderData `xml:",any"`
	} `xml:"Folders"`
}

type foldersPage struct {
	status
	Root struct {
		Offset  string `xml:"IndexedPagingOffset,attr"`
		Last    string `xml:"IncludesLastItemInRange,attr"`
		Folders struct {
			Each []folderData `xml:",any"`
		} `xml:"Folders"`
	} `xml:"RootFolder"`
}

// Folders returns the names of the folders for mail.
func (a *Account) Folders(ctx context.Context) ([]string, error) {
	tree, err := a.tree(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range tree {
		if f.class == "" || f.class == "IPF.Note" || strings.HasPrefix(f.class, "IPF.Note.") {
			names = append(names, f.path)
		}
	}
	return names, nil
}

// folder returns the id of a folder, asking the server the first time.
func (a *Account) folder(ctx context.Context, name string) (string, error) {
	a.mu.Lock()
	id, known := a.folders[name]
	a.mu.Unlock()
	if known {
		return id, nil
	}
	if strings.EqualFold(name, Inbox) {
		inbox, err := a.inbox(ctx)
		if err != nil {
			return "", err
		}
		return inbox, a.remember(name, inbox)
	}
	tree, err := a.tree(ctx)
	if err != nil {
		return "", err
	}
	for _, f := range tree {
		if strings.EqualFold(f.path, name) {
			return f.id, a.remember(name, f.id)
		}
	}
	return "", &Error{Kind: mail.KindFolderMissing, Op: "find folder " + name, Err: errors.New("no folder has this name")}
}

func (a *Account) remember(name, id string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.folders[name] = id
	return nil
}

// forget has the folders looked for again, since one was deleted or replaced by another of its name.
func (a *Account) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.folders)
}

func (a *Account) inbox(ctx context.Context) (string, error) {
	const op = "open the inbox"
	answer, err := askOne[foldersMessage](ctx, a, op, getFolder{Shape: shape{Base: "IdOnly"}, IDs: refs{[]*ref{a.distinguished("inbox")}}})
	if err != nil {
		return "", err
	}
	if len(answer.Folders.Each) != 1 || answer.Folders.Each[0].ID.ID == "" {
		return "", &Error{Kind: mail.KindProtocol, Op: op, Err: errors.New("the answer holds no folder")}
	}
	return answer.Folders.Each[0].ID.ID, nil
}

type knownFolder struct{ id, path, class string }

// tree lists all folders.
func (a *Account) tree(ctx context.Context) ([]knownFolder, error) {
	inbox, err := a.inbox(ctx)
	if err != nil {
		return nil, err
	}
	const op = "list the folders"
	request := findFolder{
		Traversal: "Deep",
		Shape:     properties("folder:DisplayName", "folder:ParentFolderId", "folder:FolderClass"),
		Parents:   refs{[]*ref{a.distinguished("msgfolderroot")}},
	}
	request.View.Max, request.View.Base = foldersPerPage, "Beginning"
	byID := map[string]folderData{}
	var order []string
	for {
		page, err := askOne[foldersPage](ctx, a, op, request)
		if err != nil {
			return nil, err
		}
		for _, f := range page.Root.Folders.Each {
			if _, seen := byID[f.ID.ID]; !seen {
				order = append(order, f.ID.ID)
			}
			byID[f.ID.ID] = f
		}
		offset, err := strconv.Atoi(page.Root.Offset)
		if page.Root.Last == "true" || err != nil || offset <= request.View.Offset {
			break
		}
		if len(order) > maxFolders {
			return nil, &Error{Kind: mail.KindProtocol, Op: op, Err: fmt.Errorf("there are more than %d", maxFolders)}
		}
		request.View.Offset = offset
	}
	tree := make([]knownFolder, 0, len(order))
	for _, id := range order {
		tree = append(tree, knownFolder{id, pathOf(byID, id, inbox), byID[id].Class})
	}
	return tree, nil
}

// pathOf joins the names up to the top, which is not among the folders.
func pathOf(byID map[string]folderData, id, inbox string) string {
	var names []string
	for range maxDepth { // a server may tell a circle
		if id == inbox {
			names = append(names, Inbox)
			break
		}
		f, known := byID[id]
		if !known {
			break
		}
		names = append(names, f.Name)
		id = f.Parent.ID
	}
	var path strings.Builder
	for i := len(names) - 1; i >= 0; i-- {
		if path.Len() > 0 {
			path.WriteByte('/')
		}
		path.WriteString(names[i])
	}
	return path.String()
}

// create makes a folder and those above it that are missing, and returns its id.
func (a *Account) create(ctx context.Context, path string) (string, error) {
	if id, err := a.folder(ctx, path); err == nil || !missing(err) {
		return id, err
	}
	parent, name := a.distinguished("msgfolderroot"), path
	if i := strings.LastIndexByte(path, '/'); i > 0 && i < len(path)-1 {
		above, err := a.create(ctx, path[:i])
		if err != nil {
			return "", err
		}
		parent, name = folderID(above), path[i+1:]
	}
	answer, err := askOne[foldersMessage](ctx, a, "create folder "+path, createFolder{Parent: refs{[]*ref{parent}}, Name: name})
	if codeOf(err) == errFolderExists {
		return a.folder(ctx, path) // created by another in the meantime
	}
	if err != nil {
		return "", err
	}
	if len(answer.Folders.Each) != 1 {
		return a.folder(ctx, path)
	}
	id := answer.Folders.Each[0].ID.ID
	return id, a.remember(path, id)
}

func missing(err error) bool {
	failure := new(Error)
	return errors.As(err, &failure) && failure.Kind == mail.KindFolderMissing
}
