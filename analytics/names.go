package analytics

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/waybill-io/waybill/events"
)

// plain are names of tenants that go into names of indexes as they are.
var plain = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// unclean are runs of what is not for names of indexes.
var unclean = regexp.MustCompile(`[^a-z0-9._-]+`)

// Prefix is what the indexes of a tenant begin with; "" is the default tenant. A name with capitals, or with what names of indexes must not
// have, goes in as what is left of it, a tilde and a hash of the whole: no two tenants have the same prefix, since no plain name has a tilde.
func (s *Store) Prefix(tenant string) string {
	if tenant == "" {
		return s.config.Prefix
	}
	if plain.MatchString(tenant) {
		return s.config.TenantPrefix + tenant
	}
	clean := strings.Trim(unclean.ReplaceAllString(strings.ToLower(tenant), "-"), "-._")
	sum := sha256.Sum256([]byte(tenant))
	return s.config.TenantPrefix + clean[:min(len(clean), 40)] + "~" + hex.EncodeToString(sum[:8])
}

// Alias is the name under which an index of a tenant, one of events.Indexes, is searched.
func (s *Store) Alias(tenant, index string) string { return s.Prefix(tenant) + "-" + index }

// aliases are those of all indexes of a tenant.
func (s *Store) aliases(tenant string) []string {
	var all []string
	for _, index := range events.Indexes() {
		all = append(all, s.Alias(tenant, index))
	}
	return all
}

// physical is the index of a generation behind an alias.
func physical(alias string, generation int) string { return fmt.Sprintf("%s-%06d", alias, generation) }

// deadLetters is the alias of the index with dead letters, of all tenants.
func (s *Store) deadLetters() string { return s.config.Prefix + "-dead-letters" }

// maxID is the most that the server takes as an id, in bytes.
const maxID = 512

// ID is the id of a document in its index: its own, of which one that is too long is the beginning and a hash.
func ID(d *events.Document) string {
	id := d.ID()
	if len(id) <= maxID {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	cut := maxID - 1 - 2*len(sum)
	for !utf8.RuneStart(id[cut]) {
		cut--
	}
	return id[:cut] + "~" + hex.EncodeToString(sum[:])
}
