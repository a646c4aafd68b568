// Package webhook tells other programs of mail over HTTP. A Subscription says whom and in which format, Delivery writes what is
// posted, and a Poster posts it, signed as Standard Webhooks have it (https://www.standardwebhooks.com, version 1).
//
// It retries nothing and remembers nothing: that is for the caller, who gives the same delivery id at every try.
package webhook
