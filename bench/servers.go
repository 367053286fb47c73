package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/tradeclock/tradeclock/internal/needs"
	"github.com/tradeclock/tradeclock/internal/pgtest"
)

// server is what a contender needs beside it.
type server string

const (
	// postgres writes each commit to the disk, as its default is.
	postgres server = "PostgreSQL"
	// redisDurable writes each command to the disk before it answers, redisQuick
	// leaves that to the operating system.
	redisDurable server = "Redis, appendfsync always"
	redisQuick   server = "Redis, appendfsync no"
)

// servers are started when they are first needed, on Unix sockets of their own.
type servers struct {
	postgres *pgtest.Server
	redis    map[server]*redisServer
}

func (s *servers) addresses(needs []server) (map[server]string, error) {
	found := make(map[server]string)
	for _, need := range needs {
		address, err := s.address(need)
		if err != nil {
			return nil, err
		}
		found[need] = address
	}
	return found, nil
}

func (s *servers) address(need server) (address string, err error) {
	if need == postgres {
		if s.postgres == nil {
			s.postgres, err = pgtest.New("fsync=on")
		}
		if err != nil {
			return "", err
		}
		return s.postgres.DSN(), nil
	}
	if s.redis[need] == nil {
		sync := map[server]string{redisDurable: "always", redisQuick: "no"}[need]
		started, err := startRedis(sync)
		if err != nil {
			return "", fmt.Errorf("start a Redis server (Debian: apt-get install redis-server): %w", err)
		}
		if s.redis == nil {
			s.redis = make(map[server]*redisServer)
		}
		s.redis[need] = started
	}
	return s.redis[need].socket(), nil
}

func (s *servers) close() {
	var errs []error
	if s.postgres != nil {
		errs = append(errs, s.postgres.Close())
	}
	for _, r := range s.redis {
		errs = append(errs, r.close())
	}
	if err := errors.Join(errs...); err != nil {
		fmt.Fprintln(os.Stderr, "stop the servers:", err)
	}
}

// redisServer is a Redis server whose files are in a temporary folder.
type redisServer struct {
	folder string
	cmd    *exec.Cmd
}

func startRedis(fsync string) (*redisServer, error) {
	program, err := needs.LookPath("redis-server")
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("/tmp", "redis")
	if err != nil {
		return nil, err
	}
	r := &redisServer{folder: folder}
	r.cmd = exec.Command(program, "--port", "0", "--unixsocket", r.socket(), "--dir", folder,
		"--save", "", "--appendonly", "yes", "--appendfsync", fsync)
	if err := r.cmd.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	if err := r.await(); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

func (r *redisServer) socket() string { return filepath.Join(r.folder, "socket") }

// await returns when the server answers.
func (r *redisServer) await() error {
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: r.socket(), MaxRetries: 100, MaxRetryBackoff: 100 * time.Millisecond})
	defer client.Close()
	return client.Ping(context.Background()).Err()
}

// emptyRedis removes what an earlier bout left in a server.
func emptyRedis(ctx context.Context, socket string) error {
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: socket})
	defer client.Close()
	return client.FlushAll(ctx).Err()
}

func (r *redisServer) close() error {
	err := r.cmd.Process.Kill()
	_ = r.cmd.Wait() // it reports the signal
	return errors.Join(err, os.RemoveAll(r.folder))
}
