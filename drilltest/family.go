package drilltest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/drillrun/drillrun/drills"
)

// relative is a process below one of the system's, told apart from a later one
// with the same number.
type relative struct {
	pid     int
	parent  int
	started string // in ticks since boot
	name    string
}

// family is what a system's processes and those below them are.
type family []relative

// familyOf lists what lives below the processes, and they themselves.
func familyOf(processes []drills.Process) (family, error) {
	all, err := living()
	if err != nil {
		return nil, err
	}
	below := map[int]bool{}
	for _, p := range processes {
		if pid := p.Info().PID; pid != 0 {
			below[pid] = true
		}
	}
	for grown := true; grown; {
		grown = false
		for _, p := range all {
			if below[p.parent] && !below[p.pid] {
				below[p.pid], grown = true, true
			}
		}
	}
	var found family
	for _, p := range all {
		if below[p.pid] {
			found = append(found, p)
		}
	}
	return found, nil
}

// gone says which of them still runs.
func (f family) gone() error {
	all, err := living()
	if err != nil {
		return err
	}
	for _, p := range all {
		for _, was := range f {
			if was.pid == p.pid && was.started == p.started {
				return fmt.Errorf("%s (pid %d) still runs", p.name, p.pid)
			}
		}
	}
	return nil
}

// living are all processes of the machine but those that have ended and wait to
// be reaped.
func living() (all []relative, err error) {
	folders, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	for _, f := range folders {
		pid, err := strconv.Atoi(f.Name())
		if err != nil {
			continue // no process
		}
		stat, err := os.ReadFile("/proc/" + f.Name() + "/stat")
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // it has just ended
		}
		if err != nil {
			return nil, err
		}
		// pid (name) state parent …: a name may have spaces and brackets in it.
		opened, closed := strings.IndexByte(string(stat), '('), strings.LastIndexByte(string(stat), ')')
		fields := strings.Fields(string(stat[closed+1:]))
		parent, err := strconv.Atoi(fields[1])
		if err != nil {
			return nil, err
		}
		if fields[0] != "Z" {
			all = append(all, relative{pid: pid, parent: parent, started: fields[19], name: string(stat[opened+1 : closed])})
		}
	}
	return all, nil
}
