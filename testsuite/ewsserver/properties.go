package ewsserver

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// property is one of an item or a folder, in the order of the schema. Those without URI are in every answer.
type property[T any] struct {
	uri   string
	shape string // the smallest base shape that holds it: IdOnly, Default, AllProperties; "" for none
	build func(T) *node
}

var itemProperties = []property[*item]{
	{"item:MimeContent", "", func(i *item) *node {
		return el("t:MimeContent", attr{"CharacterSet", "UTF-8"}, base64.StdEncoding.EncodeToString(i.raw))
	}},
	{"item:ItemId", "IdOnly", func(i *item) *node { return i.idNode("t:ItemId") }},
	{"item:ParentFolderId", "AllProperties", func(i *item) *node { return i.in.idNode("t:ParentFolderId") }},
	{"item:ItemClass", "AllProperties", func(i *item) *node { return el("t:ItemClass", i.class) }},
	{"item:Subject", "Default", func(i *item) *node { return el("t:Subject", i.header.subject) }},
	{"item:Body", "AllProperties", func(i *item) *node {
		return el("t:Body", attr{"BodyType", "Text"}, attr{"IsTruncated", "false"}, i.header.text)
	}},
	{"item:DateTimeReceived", "Default", func(i *item) *node { return el("t:DateTimeReceived", stamp(i.received)) }},
	{"item:Size", "AllProperties", func(i *item) *node { return el("t:Size", strconv.Itoa(len(i.raw))) }},
	{"item:Categories", "AllProperties", func(i *item) *node { return strs("t:Categories", "t:String", i.categories) }},
	{"item:InReplyTo", "AllProperties", func(i *item) *node { return optional("t:InReplyTo", i.header.inReplyTo) }},
	{"item:DateTimeSent", "Default", func(i *item) *node { return optional("t:DateTimeSent", stamp(i.header.date)) }},
	{"item:DateTimeCreated", "AllProperties", func(i *item) *node { return el("t:DateTimeCreated", stamp(i.received)) }},
	{"item:HasAttachments", "Default", func(*item) *node { return el("t:HasAttachments", "false") }},
	{"message:Sender", "AllProperties", func(i *item) *node { return person("t:Sender", i) }},
	{"message:ToRecipients", "AllProperties", func(i *item) *node { return people("t:ToRecipients", i.header.to) }},
	{"message:CcRecipients", "AllProperties", func(i *item) *node { return people("t:CcRecipients", i.header.cc) }},
	{"message:From", "Default", func(i *item) *node { return person("t:From", i) }},
	{"message:InternetMessageId", "AllProperties", func(i *item) *node { return optional("t:InternetMessageId", i.header.messageID) }},
	{"message:IsRead", "Default", func(i *item) *node { return el("t:IsRead", strconv.FormatBool(i.read)) }},
	{"message:References", "AllProperties", func(i *item) *node { return optional("t:References", i.header.references) }},
}

var folderProperties = []property[*folder]{
	{"folder:FolderId", "IdOnly", func(f *folder) *node { return f.idNode("t:FolderId") }},
	{"folder:ParentFolderId", "AllProperties", func(f *folder) *node {
		if f.parent == nil {
			return nil
		}
		return f.parent.idNode("t:ParentFolderId")
	}},
	{"folder:FolderClass", "AllProperties", func(f *folder) *node { return optional("t:FolderClass", f.class) }},
	{"folder:DisplayName", "Default", func(f *folder) *node { return el("t:DisplayName", f.name) }},
	{"folder:TotalCount", "Default", func(f *folder) *node { return el("t:TotalCount", strconv.Itoa(len(f.live()))) }},
	{"folder:ChildFolderCount", "Default", func(f *folder) *node {
		children := 0
		for _, other := range f.owner.folders {
			if other.parent == f {
				children++
			}
		}
		return el("t:ChildFolderCount", strconv.Itoa(children))
	}},
	{"folder:DistinguishedFolderId", "AllProperties", func(f *folder) *node { return optional("t:DistinguishedFolderId", f.distinguished) }},
	{"folder:UnreadCount", "Default", func(f *folder) *node {
		unread := 0
		for _, i := range f.live() {
			if !i.read {
				unread++
			}
		}
		return el("t:UnreadCount", strconv.Itoa(unread))
	}},
}

var shapes = map[string]int{"IdOnly": 1, "Default": 2, "AllProperties": 3}

// build returns the properties that a shape (ItemShape, FolderShape) asks for.
func build[T any](properties []property[T], shape *node, of T) []*node {
	want := map[string]bool{}
	for _, field := range shape.at("AdditionalProperties").children() {
		want[field.attr("FieldURI")] = true
	}
	if isTrue(shape.value("IncludeMimeContent")) {
		want["item:MimeContent"] = true
	}
	base := shapes[shape.value("BaseShape")]
	var nodes []*node
	for _, p := range properties {
		if level := shapes[p.shape]; want[p.uri] || level > 0 && level <= base {
			if n := p.build(of); n != nil {
				nodes = append(nodes, n)
			}
		}
	}
	return nodes
}

func (i *item) idNode(name string) *node {
	return el(name, attr{"Id", i.id}, attr{"ChangeKey", i.key()})
}

func (f *folder) idNode(name string) *node {
	return el(name, attr{"Id", f.id}, attr{"ChangeKey", f.key()})
}

// element is the name of an item in answers, by its class.
func (i *item) element() string {
	switch {
	case strings.HasPrefix(i.class, "IPM.Schedule.Meeting.Request"):
		return "t:MeetingRequest"
	case strings.HasPrefix(i.class, "IPM.Schedule.Meeting.Resp"):
		return "t:MeetingResponse"
	case strings.HasPrefix(i.class, "IPM.Schedule.Meeting.Canceled"):
		return "t:MeetingCancellation"
	case strings.HasPrefix(i.class, "IPM.Appointment"):
		return "t:CalendarItem"
	case strings.HasPrefix(i.class, "IPM.Contact"):
		return "t:Contact"
	case strings.HasPrefix(i.class, "IPM.Note"), strings.HasPrefix(i.class, "REPORT."):
		return "t:Message"
	}
	return "t:Item"
}

func (i *item) node(shape *node) *node { return el(i.element(), build(itemProperties, shape, i)) }

func (f *folder) node(shape *node) *node {
	name := "t:Folder"
	switch {
	case strings.HasPrefix(f.class, "IPF.Appointment"):
		name = "t:CalendarFolder"
	case strings.HasPrefix(f.class, "IPF.Contact"):
		name = "t:ContactsFolder"
	}
	return el(name, build(folderProperties, shape, f))
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

func optional(name, text string) *node {
	if text == "" {
		return nil
	}
	return el(name, text)
}

func strs(name, each string, texts []string) *node {
	if len(texts) == 0 {
		return nil
	}
	n := el(name)
	for _, text := range texts {
		n.kids = append(n.kids, el(each, text))
	}
	return n
}

func person(name string, i *item) *node {
	if i.header.from == "" {
		return nil
	}
	return el(name, el("t:Mailbox", el("t:Name", i.header.fromName), el("t:EmailAddress", i.header.from), el("t:RoutingType", "SMTP")))
}

func people(name string, addresses []string) *node {
	if len(addresses) == 0 {
		return nil
	}
	n := el(name)
	for _, address := range addresses {
		n.kids = append(n.kids, el("t:Mailbox", el("t:Name", address), el("t:EmailAddress", address), el("t:RoutingType", "SMTP")))
	}
	return n
}
