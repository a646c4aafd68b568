// Package oauth gets tokens of OAuth 2.0 servers (RFC 6749): with an authorization code and PKCE (RFC 7636), with a refresh token, with the
// credentials of the client alone, and with a device code (RFC 8628); and it takes them back (RFC 7009). The protocol is golang.org/x/oauth2's;
// the package adds the endpoints of providers, what tokens say of their life and their user, and what refusals mean in words.
//
// It keeps nothing, retries nothing and knows nothing of Temporal. No error holds a secret, a code or a token, nor what a server wrote beside
// the code of an error, since that may repeat the request.
package oauth
