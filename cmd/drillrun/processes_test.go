package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a process told apart from a later one with the same number.
type process struct {
	pid     int
	parent  int
	started string // in ticks since boot
	state   string
	name    string
}

// family is a set of processes.
type family []process

// descendants are all processes below pid.
func descendants(pid int) (family, error) {
	all, err := processes()
	if err != nil {
		return nil, err
	}
	below := map[int]bool{pid: true}
	var found family
	for grown := true; grown; {
		grown = false
		for _, p := range all {
			if below[p.parent] && !below[p.pid] {
				below[p.pid], grown = true, true
				found = append(found, p)
			}
		}
	}
	return found, nil
}

// gone says which of the processes still run.
func (f family) gone() error {
	all, err := processes()
	if err != nil {
		return err
	}
	running := map[int]process{}
	for _, p := range all {
		running[p.pid] = p
	}
	for _, p := range f {
		if now, ok := running[p.pid]; ok && now.started == p.started && now.state != "Z" {
			return fmt.Errorf("%s (pid %d) still runs", p.name, p.pid)
		}
	}
	return nil
}

func processes() ([]process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var all []process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // it has just ended, before the file was opened or read
		}
		if err != nil {
			return nil, err
		}
		// pid (name) state ppid …, where the name may hold spaces and brackets.
		text := string(stat)
		fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
		parent, err := strconv.Atoi(fields[1])
		if err != nil {
			return nil, err
		}
		all = append(all, process{pid, parent, fields[19], fields[0], text[strings.IndexByte(text, '(')+1 : strings.LastIndexByte(text, ')')]})
	}
	return all, nil
}

// within polls until check returns nil.
func within(limit time.Duration, check func() error) error {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-deadline.C:
			return fmt.Errorf("not within %v: %w", limit, err)
		case <-tick.C:
		}
	}
}
