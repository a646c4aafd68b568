package mail

import "context"

// Tokens gives access tokens. refused is one that a server did not take, "" at first: a newer one is then wanted.
type Tokens interface {
	Token(ctx context.Context, refused Secret) (Secret, error)
}
