// Package client reaches the broker sandbox over the network. It owns the logins, and
// what to do about answers that are lost or late: it asks again with the same order
// ID, and the broker has the order once. It is told what a run wants, and answers as
// the broker did.
package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/examples/internal/broker"
	"github.com/tradeclock/tradeclock/examples/internal/desk"
	"github.com/tradeclock/tradeclock/examples/realtrading/internal/wire"
)

const (
	// tries is how often a request is made that is not answered, and tryPause the time
	// between two of them.
	tries    = 5
	tryPause = 2 * time.Second
	// patience is how long a request waits for its answer.
	patience = 5 * time.Second
)

// ErrStaleTerm is wrapped by the error of a request that the broker refused since a
// holder of a newer term has been there: this process is not the active one any more.
var ErrStaleTerm = errors.New("a newer term has been at the broker")

// errNoAnswer is the cause with which a request ends whose answer did not come.
var errNoAnswer = fmt.Errorf("no answer within %v", patience)

var (
	_ desk.Broker        = (*Client)(nil)
	_ desk.Feed          = (*Client)(nil)
	_ tradeclock.Starter = (*Client)(nil)
)

// Client is a client of the broker for all accounts. It is safe for concurrent use.
type Client struct {
	base, secret string
	clock        tradeclock.Clock
	log          *slog.Logger
	http         http.Client // without a timeout of its own: that would be real time

	mu     sync.Mutex
	tokens map[string]string // by account
}

// New returns a client of the broker at an address such as http://127.0.0.1:8900.
func New(base, secret string, clock tradeclock.Clock, log *slog.Logger) *Client {
	return &Client{base: base, secret: secret, clock: clock, log: log, tokens: make(map[string]string)}
}

// Start logs in for an account.
func (c *Client) Start(ctx context.Context, account string) error {
	return c.login(ctx, account)
}

// Stop forgets the login of an account.
func (c *Client) Stop(_ context.Context, account string) error {
	c.setToken(account, "")
	return nil
}

func (c *Client) login(ctx context.Context, account string) error {
	var token wire.Token
	err := c.try(ctx, request{http.MethodPost, "/login", "", wire.Login{Account: account, Secret: c.secret}}, &token)
	if err != nil {
		return fmt.Errorf("log in for %s: %w", account, err)
	}
	c.setToken(account, token.Token)
	c.log.Info("logged in", "account", account, "until", token.Expires)
	return nil
}

func (c *Client) setToken(account, token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tokens[account] = token
}

func (c *Client) token(account string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tokens[account]
}

// request is what is asked of the broker. Without an account no login is needed.
type request struct {
	method, path, account string
	body                  any
}

// refusal is an answer that is no success.
type refusal struct {
	status int
	wire.Problem
	wait time.Duration // after which it may be asked for again, or zero
}

func (r *refusal) Error() string {
	return fmt.Sprintf("the broker answers %d: %s", r.status, cmp.Or(r.Message, string(r.Code)))
}

// Is tells the refusals that callers decide on.
func (r *refusal) Is(target error) bool {
	return target == ErrStaleTerm && r.Code == wire.CodeStaleTerm || target == broker.ErrNotHeld && r.Code == wire.CodeNotHeld
}

// isRefusal reports whether the broker has certainly not done what it was asked.
func isRefusal(err error) bool {
	var r *refusal
	return errors.As(err, &r) && r.status < 500
}

// call makes a request until it is answered. An expired login is renewed. Where the
// broker wants fewer requests a second, the next waits as long as it says, as often as
// the run's time allows. A request that is not answered may have been done: it is made
// again, the same, a few times.
func (c *Client) call(ctx context.Context, r request, out any) error {
	renewed := false
	for unanswered := 0; ; {
		err := c.try(ctx, r, out)
		var refused *refusal
		errors.As(err, &refused)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("%s %s: %w", r.method, r.path, context.Cause(ctx))
		case refused != nil && refused.Code == wire.CodeLogin && !renewed:
			renewed = true
			if err = c.login(ctx, r.account); err == nil {
				continue
			}
		case refused != nil && refused.Code == wire.CodeTooFast:
			if err := tradeclock.Sleep(ctx, refused.wait); err != nil {
				return err
			}
			continue
		}
		if unanswered++; isRefusal(err) || unanswered == tries {
			return fmt.Errorf("%s %s: %w", r.method, r.path, err)
		}
		c.log.Warn("no answer: asking again", "request", r.method+" "+r.path, "account", r.account, "error", err)
		if err := tradeclock.Sleep(ctx, tryPause); err != nil {
			return err
		}
	}
}

// try makes a request once.
func (c *Client) try(ctx context.Context, r request, out any) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer c.clock.AfterFunc(patience, func() { cancel(errNoAnswer) }).Stop()
	req, err := c.newRequest(ctx, r)
	if err != nil {
		return err
	}
	response, err := c.http.Do(req)
	if err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	if response.StatusCode != http.StatusOK {
		return refusalOf(response, body)
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return nil
}

func (c *Client) newRequest(ctx context.Context, r request) (*http.Request, error) {
	var body io.Reader
	if r.body != nil {
		text, err := json.Marshal(r.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, c.base+r.path, body)
	if err != nil {
		return nil, err
	}
	if r.account != "" {
		req.Header.Set("Authorization", "Bearer "+c.token(r.account))
	}
	if a := actingIn(ctx); a != nil {
		req.Header.Set(wire.TermHeader, strconv.FormatInt(a.run.Term, 10))
	}
	return req, nil
}

func refusalOf(response *http.Response, body []byte) error {
	r := &refusal{status: response.StatusCode}
	if err := json.Unmarshal(body, &r.Problem); err != nil {
		r.Message = string(body) // of something between us and the broker
	}
	seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
	if err != nil {
		seconds = 1
	}
	r.wait = time.Duration(seconds) * time.Second
	return r
}
