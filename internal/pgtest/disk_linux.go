package pgtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Disk is a small file system in memory, for a server whose disk is to be full.
type Disk struct{ folder string }

// NewDisk mounts a disk of a size such as 80m, which takes root. The caller closes it.
func NewDisk(size string) (*Disk, error) {
	folder, err := tempFolder()
	if err != nil {
		return nil, err
	}
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size="+size); err != nil {
		return nil, errors.Join(fmt.Errorf("mount a small disk, which root may: %w", err), os.Remove(folder))
	}
	return &Disk{folder}, nil
}

// New is New with the server's files on the disk. Close the server before the disk.
func (d *Disk) New(settings ...string) (*Server, error) { return newIn(d.folder, settings) }

// Fill writes a file that leaves no room on the disk, and returns its path.
func (d *Disk) Fill() (path string, err error) {
	path = filepath.Join(d.folder, "filler")
	file, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	block := make([]byte, 1<<16)
	for err == nil {
		_, err = file.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		return "", err
	}
	return path, nil
}

// Close unmounts the disk.
func (d *Disk) Close() error {
	// What the server has left may hold the disk for a moment more.
	return errors.Join(syscall.Unmount(d.folder, syscall.MNT_DETACH), os.Remove(d.folder))
}
