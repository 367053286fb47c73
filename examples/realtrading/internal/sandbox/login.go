package sandbox

import (
	"crypto/rand"
	"sync"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/examples/realtrading/internal/wire"
)

// logins are the tokens that have been given out. They are in memory: who was logged
// in before a restart logs in again.
type logins struct {
	clock    tradeclock.Clock
	lifetime time.Duration

	mu     sync.Mutex
	tokens map[string]login
}

type login struct {
	account string
	expires time.Time
}

// add gives out a token for an account.
func (l *logins) add(account string) wire.Token {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	for token, given := range l.tokens {
		if !given.expires.After(now) {
			delete(l.tokens, token)
		}
	}
	token := rand.Text()
	l.tokens[token] = login{account, now.Add(l.lifetime)}
	return wire.Token{Token: token, Expires: now.Add(l.lifetime)}
}

// valid reports whether a token is one of an account, and has not expired.
func (l *logins) valid(token, account string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	given, known := l.tokens[token]
	return known && given.account == account && given.expires.After(l.clock.Now())
}
