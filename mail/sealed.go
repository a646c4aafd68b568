package mail

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Sealed begins the reference of a secret that carries the secret itself, encrypted: it may be kept anywhere, and whoever has the key
// reads it.
const Sealed = "sealed:"

// Key seals secrets with AES-256-GCM.
type Key struct {
	aead   cipher.AEAD
	nonces []byte // a key of its own
}

// NewKey returns a new key as text, for ParseKey.
func NewKey() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	return base64.StdEncoding.EncodeToString(raw)
}

// ParseKey reads the base64 of 32 bytes. Its error holds nothing of the text.
func ParseKey(text string) (*Key, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(raw) != 32 {
		return nil, errors.New("the key for secrets is not the base64 of 32 bytes; `starter secret key` makes one")
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	nonces := hmac.New(sha256.New, raw)
	_, _ = nonces.Write([]byte("nonces"))
	return &Key{aead, nonces.Sum(nil)}, nil
}

// Seal returns a reference to a secret, which holds it encrypted. It is the same for the same secret, so that settings which are sent
// again do not differ; a nonce is so used for one text only.
func (k *Key) Seal(s Secret) string {
	mac := hmac.New(sha256.New, k.nonces)
	_, _ = mac.Write([]byte(s.Reveal()))
	nonce := mac.Sum(nil)[:k.aead.NonceSize()]
	return Sealed + base64.StdEncoding.EncodeToString(k.aead.Seal(nonce, nonce, []byte(s.Reveal()), nil))
}

// Open returns the secret of a reference that Seal made.
func (k *Key) Open(reference string) (Secret, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(reference, Sealed))
	if err != nil || len(raw) < k.aead.NonceSize() {
		return "", errors.New("a sealed secret cannot be read: it is not whole")
	}
	text, err := k.aead.Open(nil, raw[:k.aead.NonceSize()], raw[k.aead.NonceSize():], nil)
	if err != nil {
		return "", fmt.Errorf("a sealed secret cannot be read: it was sealed with another key")
	}
	return Secret(text), nil
}
