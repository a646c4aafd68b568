package project

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
)

// foreign is a part of an application project of Activiti and Alfresco that has no meaning here: what it is, and what to do instead.
type foreign struct{ what, instead string }

// foreignFolders are the folders of such a project whose files are parts of that sort, by name and the endings that count. The
// extensions beside a part hold its metadata.
var foreignFolders = map[string]struct {
	endings []string
	part    foreign
}{
	"decision-tables": {[]string{".xml", ".dmn"}, decisionTable},
	"forms":           {[]string{".json"}, form},
	"ui":              {[]string{".json"}, userInterface},
	"scripts":         {[]string{".bin", ".js"}, aScript},
	"files":           {[]string{".bin"}, foreign{"an uploaded file", "give it its real name; an input of type file names a file of the project, such as files/policy.txt"}},
	"authentications": {[]string{".json"}, foreign{"an authentication", "make it settings of an instance of the connector rest"}},
	"data-models":     {[]string{".json"}, foreign{"a data model", "declare the process variables as properties of type json"}},
	"content-models":  {[]string{".json", ".xml"}, foreign{"a content model", "it belongs to a content repository, which is none of Waybill's"}},
}

var (
	aScript       = foreign{"a script", "write it into a script task with scriptFormat=\"javascript\", or call script.RUN with it"}
	decisionTable = foreign{"a decision table (DMN), which is not executed", "write it as a script task in JavaScript, or call a connector that decides"}
	form          = foreign{"a form, which nobody shows", "user tasks have the variables that their mappings name; their formKey is kept for the application that shows them"}
	userInterface = foreign{"the definition of a user interface", "user tasks are worked on with `starter task` or over the client API"}
	metadata      = foreign{"metadata of a part that has no meaning here", "leave it out"}
	manifest      = foreign{"the manifest of a project", "nothing is to be done: definitions count their own versions"}
	alertRule     = foreign{"a rule of alerts, which is not deployed with a project", "put it with `starter alert rule put`"}
	archive       = foreign{"an archive inside of the project", "deploy it by itself"}
)

// manifestFields are those of a manifest. One that has others is something else.
var manifestFields = []string{
	"id", "key", "name", "displayName", "description", "version", "comment", "configuration", "collaborators", "enableCandidateStarters",
	"createdBy", "creationDate", "createdDate", "lastModifiedBy", "lastModifiedDate",
}

// foreignByPlace tells parts without a meaning by their folder.
func foreignByPlace(path string) (foreign, bool) {
	name := strings.ToLower(filepath.Base(path))
	ending := filepath.Ext(name)
	switch folder, known := foreignFolders[filepath.Base(filepath.Dir(path))]; {
	case known && strings.HasSuffix(name, extensionsSuffix):
		return metadata, true
	case known && slices.Contains(folder.endings, ending):
		return folder.part, true
	case ending == ".dmn":
		return decisionTable, true
	case isArchive(name):
		return archive, true
	}
	return foreign{}, false
}

// foreignByContent tells them where the folder does not.
func foreignByContent(path string, data []byte) (foreign, bool) {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".xml":
		if bytes.Contains(data, []byte("http://www.omg.org/spec/DMN/")) {
			return decisionTable, true
		}
	case ".json":
		var fields map[string]json.RawMessage
		if json.Unmarshal(data, &fields) != nil {
			return foreign{}, false
		}
		if _, ok := fields["formRepresentation"]; ok {
			return form, true
		}
		if listed(fields["actions"]) {
			return alertRule, true
		}
		_, named := fields["name"]
		_, versioned := fields["version"]
		for field := range fields {
			named = named && slices.Contains(manifestFields, field)
		}
		if named && (versioned || strings.TrimSuffix(filepath.Base(path), ".json") == filepath.Base(filepath.Dir(path))) {
			return manifest, true
		}
	}
	return foreign{}, false
}

// reserved are the connectors of the original product that a model may call and that have no counterpart of this name.
var reserved = map[string]string{
	"script":              "a script of the project: write it into a script task with scriptFormat=\"javascript\", or call script.RUN with it",
	"dmn-connector":       "a decision table: write it as a script task in JavaScript, or call a connector that decides",
	"email-service":       "the original product's own mail service: call email.SEND",
	"docgen-service":      "the original product's own documents: call a connector of your own",
	"content-service":     "a content repository: call it with the connector rest, or files",
	"hxp-content-service": "a content repository: call it with the connector rest, or files",
}
