package imap

import (
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
)

// server is what is known of a kind of server that the protocol does not tell.
type server struct {
	name       string
	domains    []string // of its hosts
	capability imap.Cap // that only it offers
	greeting   string   // that it begins with, after "* OK"

	idle     time.Duration // after which it drops an IDLE, with a margin; 0: not known to
	identify bool          // it serves only clients that say who they are (RFC 2971)
	hint     string        // what somebody whose password was refused must know
}

// servers are recognised by host, by capability or by greeting, in this order; mail of other domains is on the same servers.
var servers = []server{
	{
		name: "Gmail", domains: []string{"gmail.com", "googlemail.com", "google.com"}, capability: "X-GM-EXT-1", greeting: "Gimap",
		hint: "Gmail takes an app password or OAuth (auth xoauth2), not the password of the account",
	},
	{
		name: "Microsoft 365", domains: []string{"outlook.com", "office365.com", "office.com", "hotmail.com", "live.com"},
		hint: "Microsoft 365 and Outlook.com take no password, only OAuth (auth xoauth2)",
	},
	{
		name: "Exchange", greeting: "The Microsoft Exchange IMAP4 service is ready",
		hint: "if the mailbox is in Microsoft 365, it takes no password, only OAuth (auth xoauth2)",
	},
	{
		name: "Yahoo", domains: []string{"yahoo.com", "yahoo.co.jp", "aol.com", "ymail.com", "rocketmail.com"}, capability: "XYMHIGHESTMODSEQ",
		idle: 3 * time.Minute,
		hint: "Yahoo and AOL take an app password, not the password of the account",
	},
	{
		name: "iCloud", domains: []string{"me.com", "icloud.com", "mac.com"},
		hint: "iCloud takes an app-specific password, not the password of the account",
	},
	{
		name: "Fastmail", domains: []string{"fastmail.com", "messagingengine.com"},
		hint: "Fastmail takes an app password, not the password of the account",
	},
	{
		name: "Rambler", domains: []string{"rambler.ru", "lenta.ru", "ro.ru"}, idle: 55 * time.Second,
	},
	{
		name: "NetEase", domains: []string{"163.com", "126.com", "yeah.net", "188.com"}, greeting: "Coremail System",
		idle: 55 * time.Second, identify: true,
		hint: "NetEase takes an authorization code made in its web mail, not the password of the account",
	},
}

// recognise returns what is known of a server; the zero server when nothing is.
func recognise(host, greeting string, caps imap.CapSet) server {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	_, text := cutStatus(greeting)
	if strings.HasPrefix(text, "[") { // a response code
		_, text, _ = strings.Cut(text, "]")
	}
	text = strings.TrimSpace(text)
	for _, recognised := range []func(server) bool{
		func(s server) bool {
			return slices.ContainsFunc(s.domains, func(domain string) bool { return host == domain || strings.HasSuffix(host, "."+domain) })
		},
		func(s server) bool { return s.capability != "" && caps.Has(s.capability) },
		func(s server) bool { return s.greeting != "" && strings.HasPrefix(text, s.greeting) },
	} {
		if i := slices.IndexFunc(servers, recognised); i >= 0 {
			return servers[i]
		}
	}
	return server{}
}

// notConnected is how Exchange refuses a mailbox after it took the token.
const notConnected = "authenticated but not connected"

const notConnectedHint = "the token is of another user, or the user has no mailbox or may not use IMAP"
