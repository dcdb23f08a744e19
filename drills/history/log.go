package history

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"os"
	"slices"
	"sync"
	"time"
)

const (
	// SchemaVersion is the schema that this package writes and reads.
	SchemaVersion = 1

	flushEvery  = 50 * time.Millisecond // the most a killed harness loses
	flushAt     = 256 << 10             // bytes that wake the flusher early
	maxBuffered = 8 << 20               // bytes from which an appender waits for the disk
)

// Log is the writing end of a history. All methods are safe for concurrent
// use. It owns one goroutine, which writes the buffer out every 50 ms and
// ends with Seal or Close.
type Log struct {
	base time.Time

	mu        sync.Mutex // guards the next six; the order of events is the order of this lock
	seq       uint64
	buf       []byte
	current   Event // what observers see: a field, so that an append allocates nothing
	observers []*observer
	closed    bool
	err       error

	disk   sync.Mutex // guards the next four; taken before mu, so that appenders never wait for a write
	file   *os.File
	digest hash.Hash
	spare  []byte
	broken bool // a write failed: what follows it would leave a hole

	wake, stop, stopped chan struct{}
}

type observer struct{ see func(*Event) }

// Create starts a history at path, which must not exist yet, and writes its
// header through to the file. Schema is set, and Started where it is zero.
func Create(path string, h Header) (*Log, error) {
	base := time.Now()
	h.Schema = SchemaVersion
	if h.Started.IsZero() {
		h.Started = base.UTC()
	}
	header, err := headerLine(h)
	if err != nil {
		return nil, fmt.Errorf("create history: %w", err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create history: %w", err)
	}
	l := &Log{
		base: base, buf: header, file: file, digest: sha256.New(),
		wake: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	if err := l.Flush(); err != nil {
		return nil, errors.Join(fmt.Errorf("create history: %w", err), file.Close(), os.Remove(path))
	}
	go l.flusher()
	return l, nil
}

// Now is the time on the history's clock: what At would be if an event were
// appended now.
func (l *Log) Now() time.Duration { return time.Since(l.base) }

// Append records e and returns its Seq; Seq and At of e itself are ignored.
//
// It returns 0 where e was not recorded: after Seal or Close, for an unknown
// phase, for a detail that is not JSON, for an event above 16 MiB, and once any
// write has failed. Each of these makes the log's error sticky, since a history
// with a hole proves nothing. A nonzero Seq says that e is in the buffer, not on the disk.
//
// Detail is copied. Invalid UTF-8 in the other fields becomes U+FFFD.
func (l *Log) Append(e Event) uint64 {
	seq, buffered := l.append(e)
	switch {
	case buffered >= maxBuffered:
		l.flush()
	case buffered >= flushAt:
		select {
		case l.wake <- struct{}{}:
		default: // it is awake already
		}
	}
	return seq
}

// append returns the event's seq and the bytes that wait for the flusher.
func (l *Log) append(e Event) (seq uint64, buffered int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed && l.err == nil {
		l.err = fmt.Errorf("append %s %s: %w", e.Op, e.Phase, ErrClosed)
	}
	if l.err != nil {
		return 0, 0
	}
	l.current = e
	l.current.Seq = l.seq + 1
	l.current.At = l.Now()
	buf, err := appendEvent(l.buf, &l.current)
	if err != nil {
		l.err = fmt.Errorf("append %s %s of %s: %w", e.Op, e.Phase, e.Actor, err)
		return 0, 0
	}
	buf = append(buf, '\n')
	if size := len(buf) - len(l.buf); size > maxLine {
		l.err = fmt.Errorf("append %s %s of %s: the event has %d bytes, at most %d can be read", e.Op, e.Phase, e.Actor, size, maxLine)
		return 0, 0
	}
	l.buf = buf
	l.seq++
	for _, o := range l.observers {
		o.see(&l.current)
	}
	return l.seq, len(l.buf)
}

// Observe calls see for every event recorded from now on, in order, before
// its Append returns. The log is locked meanwhile: see must be quick, must not
// call the log (except Now), and must not change the event or keep it or its
// Detail; it may keep a [Event.Clone]. After cancel has returned, see is not
// called again; cancel must not be called from within see.
func (l *Log) Observe(see func(*Event)) (cancel func()) {
	o := &observer{see}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.observers = append(l.observers, o)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.observers = slices.DeleteFunc(l.observers, func(other *observer) bool { return other == o })
	}
}

// Err returns the first error, if there was one: from then on nothing is
// recorded, and the drill's verdict cannot be known.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Flush hands everything recorded so far to the operating system, from where
// it survives the end of this process. It returns Err.
func (l *Log) Flush() error {
	l.flush()
	return l.Err()
}

// Seal ends the history: it writes count and digest, syncs and closes the
// file. After any earlier error it closes the file unsealed and returns that
// error.
func (l *Log) Seal() error { return l.finish(l.writeSeal) }

// Close ends the history without a seal. After Seal or Close it does nothing.
func (l *Log) Close() error {
	err := l.finish(func() error { return nil })
	if errors.Is(err, errFinished) {
		return nil
	}
	return err
}

// errFinished tells a second Close from an append that came too late.
var errFinished = fmt.Errorf("sealed or closed before: %w", ErrClosed)

// finish stops the flusher, writes out what is left and then last, if all went
// well until the log was closed: an append that races with it comes too late,
// and does not spoil the seal.
func (l *Log) finish(last func() error) error {
	l.mu.Lock()
	closed, err := l.closed, l.err
	l.closed = true
	l.mu.Unlock()
	if closed {
		return errFinished
	}
	close(l.stop)
	<-l.stopped
	l.flush()

	l.disk.Lock()
	defer l.disk.Unlock()
	if err == nil && l.broken {
		err = l.Err()
	}
	if err == nil {
		err = last()
	}
	if closing := l.file.Close(); closing != nil {
		err = errors.Join(err, fmt.Errorf("close history: %w", closing))
	}
	return err
}

// writeSeal is called with the disk locked, nothing buffered and the log
// closed.
func (l *Log) writeSeal() error {
	l.mu.Lock()
	count := l.seq
	l.mu.Unlock()
	if _, err := l.file.Write(sealLine(count, l.digest.Sum(nil))); err != nil {
		return fmt.Errorf("seal history: %w", err)
	}
	if err := l.file.Sync(); err != nil {
		return fmt.Errorf("seal history: %w", err)
	}
	return nil
}

func (l *Log) flusher() {
	defer close(l.stopped)
	ticker := time.NewTicker(flushEvery)
	defer ticker.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-ticker.C:
		case <-l.wake:
		}
		l.flush()
	}
}

// flush swaps the buffers and writes the full one without holding mu. A
// failure is sticky.
func (l *Log) flush() {
	l.disk.Lock()
	defer l.disk.Unlock()
	l.mu.Lock()
	full := l.buf
	l.buf = l.spare[:0]
	l.mu.Unlock()
	l.spare = full
	if len(full) == 0 || l.broken {
		return
	}
	l.digest.Write(full) // a hash never fails
	if _, err := l.file.Write(full); err != nil {
		l.broken = true
		l.fail(fmt.Errorf("write history: %w", err))
	}
}

func (l *Log) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
	}
}
