package dashboard

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"net/netip"
)

// Verb is what somebody wants to do.
type Verb string

// The verbs. View is all that only reads.
const (
	View    Verb = "view"
	Edit    Verb = "edit"
	Halt    Verb = "halt"
	Lift    Verb = "lift"
	Trigger Verb = "trigger"
	Cancel  Verb = "cancel"
	Skip    Verb = "skip"    // one occurrence
	Move    Verb = "move"    // one occurrence, to another time
	Restore Verb = "restore" // one that is skipped or moved
)

// Action is what a request wants to do.
type Action struct {
	Verb Verb
	// Account is whom it is about. Empty is all of them, or the account that has no name.
	Account string
	// Task is what it is about. Empty is all tasks.
	Task string
}

// Authorize says whether a request may do something, and who makes it: the actor is what is
// recorded with an order, and must not be empty for one. Whoever may not is told the error's
// text, with status 403, or 401 if it wraps ErrUnauthenticated.
//
// It is asked for each request, and for each order that a page might offer, so that only those
// are shown that may be given. It must not change anything, is to answer without waiting, and is
// called by many goroutines.
type Authorize func(r *http.Request, a Action) (actor string, err error)

// ErrUnauthenticated is wrapped by the error of an Authorize that does not know who asks. The
// answer has a browser ask for a name and a password.
var ErrUnauthenticated = errors.New("who asks is not known")

// Loopback allows everything to whoever asks from this machine, by its address or as localhost,
// as the actor. It is for a desk of one: every user of the machine may ask, and a proxy on it asks
// for everybody.
func Loopback(actor string) Authorize {
	return func(r *http.Request, _ Action) (string, error) {
		from, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil || !from.Addr().Unmap().IsLoopback() || !isLoopback(r.Host) {
			return "", errors.New("this page is for the machine that serves it")
		}
		return actor, nil
	}
}

// isLoopback reports whether a Host header names this machine: another name that leads here may
// be somebody else's.
func isLoopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	if name == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.IsLoopback()
}

// Passwords allows everything to those who have a password here, by their names, which a browser
// asks for. Serve it over TLS alone.
func Passwords(byName map[string]string) Authorize {
	return func(r *http.Request, _ Action) (string, error) {
		name, password, ok := r.BasicAuth()
		want, known := byName[name]
		given, wanted := sha256.Sum256([]byte(password)), sha256.Sum256([]byte(want))
		if same := subtle.ConstantTimeCompare(given[:], wanted[:]) == 1; !ok || !known || want == "" || !same {
			return "", ErrUnauthenticated
		}
		return name, nil
	}
}

// ReadOnly allows what another does, as far as it only reads.
func ReadOnly(authorize Authorize) Authorize {
	return func(r *http.Request, a Action) (string, error) {
		actor, err := authorize(r, a)
		if err == nil && a.Verb != View {
			err = errors.New("this page only shows")
		}
		return actor, err
	}
}
