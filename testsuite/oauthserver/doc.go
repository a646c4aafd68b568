// Package oauthserver runs an OAuth 2.0 authorization server for tests: panva's node-oidc-provider, a certified OpenID provider, with PKCE,
// refresh tokens that are replaced at each use (and whose second use revokes all), device codes, client credentials, introspection and
// revocation. A Browser plays the person who signs in and consents.
//
// It needs Node.js, and `npm ci --ignore-scripts` in testdata/provider; without them a test is skipped with the reason, and fails when the
// environment has CI=true.
package oauthserver
