package sandbox

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/examples/realtrading/internal/wire"
)

// Handler serves what package wire lists.
func (s *Sandbox) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /clock", s.answer(func(*http.Request) (any, error) { return s.cfg.Clock, nil }))
	mux.HandleFunc("GET /book", s.answer(func(r *http.Request) (any, error) { return s.book(r.Context()) }))
	mux.HandleFunc("GET /quotes", s.answer(func(*http.Request) (any, error) { return s.quotes(), nil }))
	mux.HandleFunc("POST /login", s.answer(s.login))
	mux.HandleFunc("GET /accounts/{account}/funds", s.read(func(ctx context.Context, account string, _ *http.Request) (any, error) {
		return s.paper.Funds(ctx, account)
	}))
	mux.HandleFunc("GET /accounts/{account}/positions", s.read(func(ctx context.Context, account string, _ *http.Request) (any, error) {
		return s.paper.Positions(ctx, account)
	}))
	mux.HandleFunc("GET /accounts/{account}/orders", s.read(func(ctx context.Context, account string, r *http.Request) (any, error) {
		session, err := calendar.ParseDate(r.FormValue("session"))
		if err != nil {
			return nil, err
		}
		return s.paper.Orders(ctx, account, session)
	}))
	mux.HandleFunc("POST /accounts/{account}/orders", s.change(s.place))
	mux.HandleFunc("PUT /accounts/{account}/orders/{key}", s.change(s.resize))
	mux.HandleFunc("POST /accounts/{account}/exits", s.change(s.exit))
	mux.HandleFunc("POST /accounts/{account}/closings", s.change(s.closeDay))
	return mux
}

// refusal is an error with what its answer says.
type refusal struct {
	status int
	wire.Problem
}

func (r *refusal) Error() string { return r.Message }

func refuse(status int, code wire.Code, format string, args ...any) *refusal {
	return &refusal{status, wire.Problem{Code: code, Message: fmt.Sprintf(format, args...)}}
}

// answer serves what a function returns.
func (s *Sandbox) answer(f func(r *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		result, err := f(r)
		s.reply(w, result, err)
	}
}

// read serves what a function returns of an account, to who is logged in for it.
func (s *Sandbox) read(f func(ctx context.Context, account string, r *http.Request) (any, error)) http.HandlerFunc {
	return s.answer(func(r *http.Request) (any, error) {
		account := r.PathValue("account")
		if err := s.admit(r, account); err != nil {
			return nil, err
		}
		return f(r.Context(), account, r)
	})
}

// admit refuses who is not logged in for the account, and who comes under an older term
// than has been here. A term that is newer raises the fence, for reading too: the
// holder before is refused from then on.
func (s *Sandbox) admit(r *http.Request, account string) error {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !s.logins.valid(token, account) {
		return refuse(http.StatusUnauthorized, wire.CodeLogin, "there is no login of %q, or it has expired", account)
	}
	if r.Header.Get(wire.TermHeader) == "" {
		return nil
	}
	term, err := termOf(r)
	if err != nil {
		return err
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	return s.checkTerm(r.Context(), term)
}

// checkTerm is called with changing held.
func (s *Sandbox) checkTerm(ctx context.Context, term int64) error {
	admitted, err := s.journal.admit(ctx, term)
	if err == nil && !admitted {
		return refuse(http.StatusConflict, wire.CodeStaleTerm, "term %d is over: a newer one has been here", term)
	}
	return err
}

func termOf(r *http.Request) (int64, error) {
	term, err := strconv.ParseInt(r.Header.Get(wire.TermHeader), 10, 64)
	if err != nil || term <= 0 {
		return 0, refuse(http.StatusBadRequest, wire.CodeRefused, "%s: want the number of a term, and not %q", wire.TermHeader, r.Header.Get(wire.TermHeader))
	}
	return term, nil
}

func (s *Sandbox) login(r *http.Request) (any, error) {
	var login wire.Login
	if err := decode(r, &login); err != nil {
		return nil, err
	}
	known := slices.Contains(s.cfg.Accounts, login.Account)
	if !known || subtle.ConstantTimeCompare([]byte(login.Secret), []byte(s.cfg.Secret)) == 0 {
		return nil, refuse(http.StatusForbidden, wire.CodeRefused, "account or secret is wrong")
	}
	return s.logins.add(login.Account), nil
}

func (s *Sandbox) book(ctx context.Context) (book wire.Book, err error) {
	s.changing.Lock() // so that orders and changes are of one moment
	defer s.changing.Unlock()
	if book.Orders, err = s.paper.AllOrders(ctx); err != nil {
		return book, err
	}
	if book.Changes, err = s.journal.changes(ctx); err != nil {
		return book, err
	}
	book.Term, err = s.journal.fence(ctx)
	return book, err
}

// decode reads a body of at most a megabyte.
func decode(r *http.Request, into any) error {
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 1<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return refuse(http.StatusBadRequest, wire.CodeRefused, "the body: %v", err)
	}
	return nil
}

// reply writes a result or an error. One that is no refusal is the sandbox's own.
func (s *Sandbox) reply(w http.ResponseWriter, result any, err error) {
	status := http.StatusOK
	if err != nil {
		r := asRefusal(err)
		status, result = r.status, r.Problem
		if r.status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "1")
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(result); err != nil {
		s.cfg.Log.Warn("an answer was not written", "error", err)
	}
}
