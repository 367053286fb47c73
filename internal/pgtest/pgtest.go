//go:build unix

// Package pgtest runs PostgreSQL servers for tests, in temporary folders and on
// Unix sockets of their own. It imports no driver.
package pgtest

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/tradeclock/tradeclock/internal/needs"
)

// Variable names the environment variable with the address of a server that
// Shared is to be, instead of one of the test's own: a URL, as in
// postgres://tests@127.0.0.1/tests, with a role that may make schemas and
// roles.
const Variable = "TRADECLOCK_TEST_POSTGRES"

// Server is a PostgreSQL server whose files are in a temporary folder. It has one
// role and one database, postgres, and asks for no password.
type Server struct {
	programs string // the folder of initdb and pg_ctl
	folder   string
	options  []string
	account  *syscall.Credential // whom the server runs as, or nil for the test's own user

	// alive is closed by the end of this process, however it ends. The guard waits
	// for that, stops the server and removes the folder.
	alive io.WriteCloser
	guard *exec.Cmd
}

// New makes a server and starts it, with settings such as max_connections=20. The
// caller closes it. If the test is killed, it stops all the same.
func New(settings ...string) (*Server, error) {
	folder, err := tempFolder()
	if err != nil {
		return nil, err
	}
	return newIn(folder, settings)
}

// tempFolder makes a folder for a server. It is not in TMPDIR: the path of a socket
// has 107 bytes at most, and the server's account must get there.
func tempFolder() (string, error) { return os.MkdirTemp("/tmp", "pgtest") }

func newIn(folder string, settings []string) (*Server, error) {
	s := &Server{folder: folder}
	err := s.make(settings)
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("start a PostgreSQL server for the tests: %w", err)
	}
	return s, nil
}

func (s *Server) make(settings []string) (err error) {
	if s.programs, err = findPrograms(); err != nil {
		return err
	}
	if s.account, err = unprivileged(); err != nil {
		return err
	}
	if s.account != nil {
		if err := os.Chown(s.folder, int(s.account.Uid), int(s.account.Gid)); err != nil {
			return err
		}
	}
	// A test kills processes and not machines: nothing need reach the disk.
	for _, setting := range append([]string{"listen_addresses=", "unix_socket_directories=" + s.folder, "fsync=off"}, settings...) {
		s.options = append(s.options, "-c "+setting)
	}
	err = s.run("initdb", "-D", s.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	if err != nil {
		return err
	}
	if err := s.watch(); err != nil {
		return err
	}
	return s.Start()
}

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

// DSN is the address of the server's database, with the parameters of a URL, as
// in search_path=paper.
func (s *Server) DSN(parameters ...string) string {
	return "postgres:///postgres?" + strings.Join(append([]string{"user=postgres", "host=" + s.folder}, parameters...), "&")
}

// Start starts the server again after Stop or Crash, and returns when it accepts
// connections.
func (s *Server) Start() error {
	return s.run("pg_ctl", "-D", s.data(), "-w", "-l", filepath.Join(s.folder, "log"), "-o", strings.Join(s.options, " "), "start")
}

// Stop ends all connections and stops the server.
func (s *Server) Stop() error { return s.run("pg_ctl", "-D", s.data(), "-w", "-m", "fast", "stop") }

// Crash stops the server as a crash does: when it starts again it recovers.
func (s *Server) Crash() error {
	return s.run("pg_ctl", "-D", s.data(), "-w", "-m", "immediate", "stop")
}

// Demote starts the server again as a standby, which only reads until it is told to
// promote itself. It has no primary.
func (s *Server) Demote() error {
	if err := s.Stop(); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.data(), "standby.signal"), nil, 0o644); err != nil {
		return err
	}
	return s.Start()
}

// Log returns what the server has written to its log.
func (s *Server) Log() string {
	text, err := os.ReadFile(filepath.Join(s.folder, "log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Close stops the server and removes its folder.
func (s *Server) Close() error {
	if s.guard == nil {
		return os.RemoveAll(s.folder)
	}
	return errors.Join(s.alive.Close(), s.guard.Wait())
}

// watch starts the guard. It is in a process group of its own, so that what
// interrupts the tests does not interrupt it.
func (s *Server) watch() (err error) {
	const script = `read end; "$1" -D "$2/data" -w -m immediate stop; rm -rf "$2"; exit 0`
	s.guard = s.command("sh", "-c", script, "pgtest", filepath.Join(s.programs, "pg_ctl"), s.folder)
	if s.alive, err = s.guard.StdinPipe(); err != nil {
		return err
	}
	return s.guard.Start()
}

// run runs one of the server's programs to its end.
func (s *Server) run(program string, args ...string) error {
	// The output goes to a file and not to a pipe, which the server would inherit.
	output, err := os.CreateTemp("", "pgtest")
	if err != nil {
		return err
	}
	defer os.Remove(output.Name())
	defer output.Close()
	cmd := s.command(filepath.Join(s.programs, program), args...)
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(output.Name())
		return fmt.Errorf("%s: %w: %s%s", program, err, text, s.Log())
	}
	return nil
}

func (s *Server) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir = s.folder
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.account, Setpgid: true}
	return cmd
}

// findPrograms returns the folder of the newest PostgreSQL of the host.
func findPrograms() (string, error) {
	path, err := needs.LookPath("initdb")
	var found []string
	if os.Getenv(needs.Variable) != needs.None {
		found, _ = filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // Debian's, which are in no PATH
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(strings.Split(path, "/")[4])
		return n
	}
	if len(found) > 0 {
		newest := slices.MaxFunc(found, func(a, b string) int { return cmp.Compare(version(a), version(b)) })
		return filepath.Dir(newest), nil
	}
	if err != nil {
		return "", fmt.Errorf("the programs of a PostgreSQL server are needed (Debian: apt-get install postgresql), "+
			"or the address of one in %s: %w", Variable, err)
	}
	return filepath.Dir(path), nil
}

// unprivileged returns whom to run the server as, which refuses to run as root.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// shared is the server that all tests of the program use, each in a schema.
var shared struct {
	sync.Mutex
	server *Server
	err    error
	schema int
}

// Shared returns the address, a URL with parameters, of the server that the tests of this program share,
// with a search_path that names a schema which does not exist yet, and that name.
// The first call starts the server, unless Variable names one. Call CloseShared
// at the end of TestMain.
func Shared() (dsn, schema string, err error) {
	shared.Lock()
	defer shared.Unlock()
	shared.schema++
	schema = fmt.Sprintf("test_%d_%d", os.Getpid(), shared.schema)
	if named := os.Getenv(Variable); named != "" {
		dsn, err = withSearchPath(named, schema)
		return dsn, schema, err
	}
	if shared.server == nil && shared.err == nil {
		shared.server, shared.err = New("max_connections=200")
	}
	if shared.err != nil {
		return "", "", shared.err
	}
	return shared.server.DSN("search_path=" + schema), schema, nil
}

// CloseShared stops the server that Shared started, if it did.
func CloseShared() error {
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		return nil
	}
	return shared.server.Close()
}

func withSearchPath(address, schema string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" {
		return "", fmt.Errorf("%s: want a URL, as in postgres://tests@127.0.0.1/tests", Variable)
	}
	parameters := u.Query()
	parameters.Set("search_path", schema)
	u.RawQuery = parameters.Encode()
	return u.String(), nil
}
