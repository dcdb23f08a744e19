package docker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// origin is the process that has made something. It tells a healer whether that
// lives even where the healer does not see its lock file, as in a container or a
// service with a /tmp of its own. A namespace has its number until its last process
// has ended, and a process is one of those that have had its pid at one time only.
type origin struct {
	Boot      string `json:"boot"`      // of the kernel, random
	Namespace string `json:"namespace"` // of pids
	PID       int    `json:"pid"`
	Started   uint64 `json:"started"` // in ticks since the kernel's start
}

// life is what is known of a process.
type life int

const (
	unknown life = iota
	alive
	dead
	rebooted // dead if it ran on this machine
)

// here is the origin of what this process makes.
func here() (o origin, err error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return o, fmt.Errorf("say who makes this: %w", err)
	}
	namespace, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return o, fmt.Errorf("say who makes this: %w", err)
	}
	o = origin{Boot: strings.TrimSpace(string(boot)), Namespace: namespace, PID: os.Getpid()}
	if o.Started, err = started(o.PID); err != nil {
		return o, fmt.Errorf("say who makes this: %w", err)
	}
	return o, nil
}

func (o origin) label() (string, error) {
	text, err := json.Marshal(o)
	return string(text), err
}

// lives tells what can be told from here.
func (o origin) lives() life {
	now, err := here()
	switch {
	case err != nil || o == origin{}:
		return unknown
	case o.Boot != now.Boot:
		return rebooted
	case o.Namespace != now.Namespace:
		return unknown
	}
	if err := unix.Kill(o.PID, 0); errors.Is(err, unix.ESRCH) {
		return dead
	}
	at, err := started(o.PID)
	switch {
	case err != nil:
		return unknown // it has just ended, or is nobody's to see
	case at != o.Started:
		return dead
	}
	return alive
}

// started is when a process was started, the 22nd field of its stat. The second, the
// name in brackets, may hold anything.
func started(pid int) (uint64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	const start = 22 - 3 // the first behind the name is the third of all
	if len(fields) <= start {
		return 0, fmt.Errorf("/proc/%d/stat: only %d fields", pid, len(fields))
	}
	return strconv.ParseUint(string(fields[start]), 10, 64)
}
