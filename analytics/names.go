package analytics

import (
	"cmp"
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

// Names are how the indexes of tenants are called. Empty ones are defaults.
type Names struct {
	Prefix       string // of the indexes of the default tenant, "activiti"
	TenantPrefix string // what the name of a tenant is put behind, "activiti-tenant-"
}

func (n Names) withDefaults() Names {
	return Names{cmp.Or(n.Prefix, DefaultPrefix), cmp.Or(n.TenantPrefix, DefaultTenantPrefix)}
}

// legal are prefixes that the server accepts, of a length that leaves room for what comes behind them in the 255 bytes of a name.
var legal = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,99}$`)

// Check tells what is wrong with them.
func (n Names) Check() error {
	n = n.withDefaults()
	for _, text := range []string{n.Prefix, n.TenantPrefix} {
		if !legal.MatchString(text) {
			return fmt.Errorf("the index prefix %q: 1 to 100 lower-case letters, digits, - _ and . are expected, beginning with a letter or a digit", text)
		}
	}
	if strings.HasPrefix(n.Prefix, n.TenantPrefix) {
		return fmt.Errorf("the index prefix %q begins with that of tenants, %q: a tenant could have the same indexes", n.Prefix, n.TenantPrefix)
	}
	return nil
}

// Of is what the indexes of a tenant begin with; "" is the default tenant. A name with capitals, or with what names of indexes must not
// have, goes in as what is left of it, a tilde and a hash of the whole: no two tenants have the same prefix, since no plain name has a tilde.
func (n Names) Of(tenant string) string {
	n = n.withDefaults()
	if tenant == "" {
		return n.Prefix
	}
	if plain.MatchString(tenant) {
		return n.TenantPrefix + tenant
	}
	clean := strings.Trim(unclean.ReplaceAllString(strings.ToLower(tenant), "-"), "-._")
	sum := sha256.Sum256([]byte(tenant))
	return n.TenantPrefix + clean[:min(len(clean), 40)] + "~" + hex.EncodeToString(sum[:8])
}

// Alias is the name under which an index of a tenant, one of events.Indexes, is searched.
func (n Names) Alias(tenant, index string) string { return n.Of(tenant) + "-" + index }

// Prefix is what the indexes of a tenant begin with.
func (s *Store) Prefix(tenant string) string { return s.config.Names.Of(tenant) }

// Alias is the name under which an index of a tenant, one of events.Indexes, is searched.
func (s *Store) Alias(tenant, index string) string { return s.config.Names.Alias(tenant, index) }

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
func (s *Store) deadLetters() string { return s.config.Names.Prefix + "-dead-letters" }

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
