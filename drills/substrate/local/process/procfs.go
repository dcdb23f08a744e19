package process

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// stat is what /proc says about a process or a thread.
type stat struct {
	pid, parent, group int
	name               string // of the program, cut off after 15 bytes
	state              byte   // R, S, D, T (stopped), Z (zombie), ...
	started            uint64
}

// parseStat reads the form of /proc/PID/stat. The command's name in it may
// hold spaces and brackets, so fields are counted from its last bracket.
func parseStat(line []byte) (stat, error) {
	end := bytes.LastIndexByte(line, ')')
	begin := bytes.IndexByte(line, '(')
	if begin < 1 || end < begin {
		return stat{}, fmt.Errorf("no command in %q", line)
	}
	fields := bytes.Fields(line[end+1:])
	if len(fields) < 20 {
		return stat{}, fmt.Errorf("only %d fields in %q", len(fields), line)
	}
	s := stat{name: string(line[begin+1 : end]), state: fields[0][0]}
	var errs [4]error
	s.pid, errs[0] = strconv.Atoi(string(bytes.TrimSpace(line[:begin])))
	s.parent, errs[1] = strconv.Atoi(string(fields[1]))
	s.group, errs[2] = strconv.Atoi(string(fields[2]))
	s.started, errs[3] = strconv.ParseUint(string(fields[19]), 10, 64)
	return s, errors.Join(errs[:]...)
}

// readStats reads all stat files of that pattern. Processes that end meanwhile
// are left out.
func readStats(pattern string) ([]stat, error) {
	files, err := filepath.Glob(pattern)
	if err != nil {
		return nil, err
	}
	var stats []stat
	for _, file := range files {
		line, err := os.ReadFile(file)
		if vanished(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		s, err := parseStat(line)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		stats = append(stats, s)
	}
	return stats, nil
}

func vanished(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH)
}

// family lists the process itself, its descendants and the members of its
// process group, zombies left out.
func family(pid int) ([]stat, error) {
	all, err := readStats("/proc/[0-9]*/stat")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	in := map[int]bool{pid: true}
	for grown := true; grown; {
		grown = false
		for _, s := range all {
			if !in[s.pid] && (in[s.parent] || s.group == pid) {
				in[s.pid], grown = true, true
			}
		}
	}
	var found []stat
	for _, s := range all {
		if in[s.pid] && !s.ended() {
			found = append(found, s)
		}
	}
	return found, nil
}

func (s stat) ended() bool { return s.state == 'Z' || s.state == 'X' }

// gone tells whether the process of that stat has ended, reaped or not.
func (s stat) gone() (bool, error) {
	now, err := readStats(fmt.Sprintf("/proc/%d/stat", s.pid))
	if err != nil || len(now) == 0 {
		return err == nil, err
	}
	return now[0].started != s.started || now[0].ended(), nil
}

// stopped tells whether a process that was sent SIGSTOP executes nothing any
// more: every thread is stopped, or in uninterruptible sleep (a disk that is
// slow, the parent of a vfork) and will stop before it is back in its program.
// The stop must have begun for that: of several threads one takes the signal,
// and makes the others stop once it does.
func (s stat) stopped() (bool, error) {
	stopped, asleep, awake, err := s.threads()
	return awake == 0 && (stopped > 0 || asleep <= 1), err
}

// running tells whether no thread of the process is stopped.
func (s stat) running() (bool, error) {
	stopped, _, _, err := s.threads()
	return stopped == 0, err
}

// threads counts the living threads of the process: those that are stopped,
// in uninterruptible sleep, and neither.
func (s stat) threads() (stopped, asleep, awake int, err error) {
	threads, err := readStats(fmt.Sprintf("/proc/%d/task/[0-9]*/stat", s.pid))
	for _, t := range threads {
		switch {
		case t.ended():
		case t.state == 'T':
			stopped++
		case t.state == 'D':
			asleep++
		default:
			awake++
		}
	}
	return stopped, asleep, awake, err
}
