// Package retryafter reads for how long an HTTP server asks to be left alone.
package retryafter
