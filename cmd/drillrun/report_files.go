package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/drillrun/drillrun/drills/runner"
	"github.com/drillrun/drillrun/internal/suggest"
)

// standardOutput is the name of that as the file of a report.
const standardOutput = "-"

// output is a report of a D to be written to a file, or to standard output.
type output[D any] struct {
	file    string
	write   func(io.Writer, D) error
	opened  *os.File // nil for standard output, and for what is no regular file
	draft   []byte   // what the file says until there is a report; may be empty
	appends bool     // what stands in the file stays
	created bool     // by us
}

// openReports reads the values of --report, FORMAT=FILE, and opens the files, so
// that one that cannot be written is told before anything starts. Each file says
// what draft says until its report is written: what an earlier command left there
// must not be taken for the outcome of one that was killed. Without a draft, it
// stays as it is.
//
// With --json, standard output is that one document and nothing else. A report is
// not written over what is to be drilled. With an error, the outputs are those that
// could be opened all the same.
func openReports[D any, W ~func(io.Writer, D) error](values []string, formats map[string]W, json bool, draft *D, drilled ...string) (outputs []*output[D], err error) {
	var errs []error
	for _, v := range values {
		o, err := parseReport[D](v, formats, json)
		if err == nil && slices.ContainsFunc(drilled, func(name string) bool { return same(name, o.file) }) {
			err = errors.New("that is what is to be drilled")
		}
		if err == nil {
			err = o.open()
		}
		if err == nil {
			err = o.apart(outputs)
		}
		if err == nil && draft != nil {
			err = o.begin(*draft)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("--report %s: %w", v, err))
			continue
		}
		outputs = append(outputs, o)
	}
	return outputs, refusal(errors.Join(errs...))
}

// refusal is the exit code of reports that cannot be opened: a mistake in what was
// asked for, unless the disk is to blame.
func refusal(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EIO):
		return &exitError{exitEnvironment, err}
	}
	return &exitError{exitUsage, err}
}

func parseReport[D any, W ~func(io.Writer, D) error](value string, formats map[string]W, json bool) (*output[D], error) {
	format, file, ok := strings.Cut(value, "=")
	if !ok || file == "" {
		return nil, errors.New("want FORMAT=FILE, such as markdown=report.md")
	}
	write, ok := formats[format]
	if !ok {
		return nil, suggest.Unknown("format", format, slices.Collect(maps.Keys(formats)))
	}
	if json && file == standardOutput {
		return nil, errors.New("--json has standard output for itself: write the report to a file")
	}
	return &output[D]{file: file, write: write}, nil
}

// open opens a regular file, or makes one. It is private: a report may quote logs.
func (o *output[D]) open() error {
	if o.file == standardOutput {
		return nil
	}
	if about, err := os.Stat(o.file); err == nil && !about.IsDir() && !about.Mode().IsRegular() {
		return nil // a device or a pipe is opened when there is something to write
	}
	o.appends = isStepSummary(o.file)
	flags := os.O_WRONLY
	if o.appends {
		flags |= os.O_APPEND
	}
	var err error
	o.opened, err = os.OpenFile(o.file, flags|os.O_CREATE|os.O_EXCL, 0o600)
	o.created = err == nil
	if errors.Is(err, fs.ErrExist) {
		o.opened, err = os.OpenFile(o.file, flags|os.O_CREATE, 0o600)
	}
	if err != nil {
		return err
	}
	if uid, gid, found := runner.Owner(); found && o.created {
		return o.opened.Chown(uid, gid)
	}
	return nil
}

// isStepSummary says whether a file is the one in which GitHub Actions collects
// what the commands of a step have to say.
func isStepSummary(file string) bool {
	summary := os.Getenv("GITHUB_STEP_SUMMARY")
	if summary == "" {
		return false
	}
	return same(file, summary) || whole(file) == whole(summary)
}

// same says whether two paths lead to one file that exists.
func same(one, other string) bool {
	a, errA := os.Stat(one)
	b, errB := os.Stat(other)
	return errA == nil && errB == nil && os.SameFile(a, b)
}

// apart refuses a file that another report is written to.
func (o *output[D]) apart(others []*output[D]) error {
	for _, other := range others {
		if o.opened == nil || other.opened == nil {
			continue
		}
		a, errA := o.opened.Stat()
		b, errB := other.opened.Stat()
		if err := errors.Join(errA, errB); err != nil {
			return err
		}
		if os.SameFile(a, b) {
			return fmt.Errorf("another report is written to %s", other.file)
		}
	}
	return nil
}

// begin has the file say so much, until there is more to say.
func (o *output[D]) begin(d D) error {
	if o.opened == nil || o.appends {
		return nil
	}
	var b bytes.Buffer
	if err := o.write(&b, d); err != nil {
		return err
	}
	o.draft = b.Bytes()
	return overwrite(o.opened, o.draft)
}

// save writes the report. Where that fails, the file says what it said before: a
// part of a report may look like a whole one.
func (o *output[D]) save(stdout io.Writer, d D) error {
	if o.file == standardOutput {
		return o.write(stdout, d)
	}
	var b bytes.Buffer
	if err := o.write(&b, d); err != nil {
		return fmt.Errorf("write report %s: %w", o.file, err)
	}
	if err := o.put(b.Bytes()); err != nil {
		return fmt.Errorf("write report %s: %w", o.file, err)
	}
	return nil
}

func (o *output[D]) put(text []byte) (err error) {
	if err := o.follow(); err != nil {
		return err
	}
	switch {
	case o.opened == nil:
		return os.WriteFile(o.file, text, 0o600)
	case o.appends:
		if about, err := o.opened.Stat(); err == nil && about.Size() > 0 {
			text = append([]byte("\n"), text...) // a heading begins a line
		}
		_, err = o.opened.Write(text)
	default:
		if err = overwrite(o.opened, text); err != nil {
			err = errors.Join(err, overwrite(o.opened, o.draft))
		}
	}
	err = errors.Join(err, o.opened.Close())
	o.opened = nil
	return err
}

// follow opens the report's file anew where somebody has put another one in its
// place meanwhile: what is written to the old one nobody would see.
func (o *output[D]) follow() error {
	if o.opened == nil {
		return nil
	}
	ours, err := o.opened.Stat()
	if err != nil {
		return err
	}
	if there, err := os.Stat(o.file); err == nil && os.SameFile(ours, there) {
		return nil
	}
	err = o.opened.Close()
	o.opened = nil
	return errors.Join(err, o.open())
}

// overwrite has a file hold that text alone.
func overwrite(f *os.File, text []byte) error {
	if _, err := f.WriteAt(text, 0); err != nil {
		return err
	}
	return f.Truncate(int64(len(text)))
}

// forget closes the files of reports that are not written after all, and removes
// those that nobody had before.
func forget[D any](outputs []*output[D]) {
	for _, o := range outputs {
		if o.opened == nil {
			continue
		}
		_ = o.opened.Close() // nothing was written to it
		o.opened = nil
		if o.created {
			_ = os.Remove(o.file) // an empty file is left at worst
		}
	}
}
