package project

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"

	"github.com/waybill-io/waybill/mail/template"
)

// kind is what a file is to a project.
type kind int

const (
	isUnclear kind = iota
	isModel
	isExtensions
	isConnector
	isTrigger
	isTemplate
	isMailTemplate
	isOther   // is known not to be deployed
	isForeign // the same, and somebody may miss it
)

func (k kind) deployed() bool {
	return k == isModel || k == isConnector || k == isTrigger || k == isMailTemplate
}

const extensionsSuffix = "-extensions.json"

// modelSuffixes are the endings of models, the longest first.
var modelSuffixes = []string{".bpmn20.xml", ".bpmn.xml", ".bpmn", ".xml"}

// extensionsOf is the path of the extensions beside a model.
func extensionsOf(model string) string {
	for _, suffix := range modelSuffixes {
		if base, ok := strings.CutSuffix(model, suffix); ok {
			return base + extensionsSuffix
		}
	}
	return model + extensionsSuffix
}

// others are the endings of files that cannot be meant for deployment.
var others = []string{
	".md", ".txt", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".ico", ".pdf", ".eml",
	".yaml", ".yml", ".go", ".html", ".htm", ".css", ".csv", ".ts", ".js", ".mjs", ".cjs", ".py",
}

// otherNames are names that cannot be meant either.
var otherNames = []string{
	"readme", "license", "notice", "changelog", "makefile", "dockerfile", "package.json", "package-lock.json", "tsconfig.json",
}

// byPlace judges by name and folder; isUnclear when these do not tell.
func byPlace(path string) kind {
	name := strings.ToLower(filepath.Base(path))
	folder := filepath.Base(filepath.Dir(path))
	ending := filepath.Ext(name)
	if _, foreign := foreignByPlace(path); foreign {
		return isForeign
	}
	switch {
	case template.IsFile(name):
		return isMailTemplate
	case ending == ".bpmn", strings.HasSuffix(name, ".bpmn20.xml"):
		return isModel
	case strings.HasSuffix(name, extensionsSuffix):
		return isExtensions
	case ending == ".json" && folder == "connectors":
		return isConnector
	case ending == ".json" && folder == "triggers":
		return isTrigger
	case ending == ".ftl", ending == ".ftlh":
		return isTemplate
	case slices.Contains(others, ending), slices.Contains(otherNames, name):
		return isOther
	}
	return isUnclear
}

// listed tells whether a field is a list.
func listed(value json.RawMessage) bool { return bytes.HasPrefix(value, []byte("[")) }

// byContent judges files that may be anything.
func byContent(path string, data []byte) kind {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".xml":
		if bytes.Contains(data, []byte("http://www.omg.org/spec/BPMN/20100524/MODEL")) {
			return isModel
		}
	case ".json":
		var fields map[string]json.RawMessage
		if json.Unmarshal(data, &fields) != nil {
			return isUnclear
		}
		has := func(name string) bool { _, ok := fields[name]; return ok }
		switch {
		case has("event") && has("action"):
			return isTrigger
		case listed(fields["actions"]): // of a rule of alerts; those of a connector are an object
		case has("actions") || has("events") || has("template") && has("name") && !has("properties"): // properties: an element template
			return isConnector
		}
	}
	return isUnclear
}
