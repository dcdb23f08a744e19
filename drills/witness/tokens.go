package witness

import (
	"crypto/rand"
	"crypto/sha256"
	"strings"
	"sync"
)

// tokens knows replicas by their bearer tokens. It looks them up by digest, so
// that the time of a look-up tells nothing about a token.
type tokens struct {
	mu       sync.RWMutex
	tokens   map[string]string            // by replica
	replicas map[[sha256.Size]byte]string // by digest of the token
}

func newTokens() *tokens {
	return &tokens{tokens: map[string]string{}, replicas: map[[sha256.Size]byte]string{}}
}

// of returns the replica's token, made at the first call.
func (t *tokens) of(replica string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	token, known := t.tokens[replica]
	if !known {
		token = rand.Text()
		t.tokens[replica] = token
		t.replicas[sha256.Sum256([]byte(token))] = replica
	}
	return token
}

// replica returns whose token an Authorization header carries.
func (t *tokens) replica(authorization string) (replica string, known bool) {
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	digest := sha256.Sum256([]byte(strings.TrimSpace(token)))
	t.mu.RLock()
	defer t.mu.RUnlock()
	replica, known = t.replicas[digest]
	return replica, known
}
