package bridge

import (
	"encoding/base64"
	"errors"
	"strings"
)

// address is the activity that waits for an answer.
type address struct {
	namespace     string
	workflow      string // "": none, somebody tries a connector out
	run, activity string
}

// prefix begins every id, so that one of another runtime bundle is told from ours.
const prefix = "waybill-"

// id is the address as integrationContext.id, which means nothing to connectors.
func (a address) id() string {
	return prefix + base64.RawURLEncoding.EncodeToString([]byte(strings.Join([]string{a.namespace, a.workflow, a.run, a.activity}, "\n")))
}

// parseID is the inverse of id. It refuses everything that id does not make.
func parseID(id string) (address, error) {
	encoded, ours := strings.CutPrefix(id, prefix)
	text, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	parts := strings.Split(string(text), "\n")
	if !ours || err != nil || len(parts) != 4 || parts[0] == "" || parts[2] == "" || parts[3] == "" {
		return address{}, errors.New("integrationContext.id is not of a bridge")
	}
	return address{parts[0], parts[1], parts[2], parts[3]}, nil
}
