package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

const (
	// plainEvery is how often a progress line is printed where nothing changed
	// and the output is no terminal, so that CI does not take it for dead.
	plainEvery = 5 * time.Second
	// liveEvery is how often the live line on a terminal is drawn anew.
	liveEvery = 200 * time.Millisecond

	clearLine = "\r\x1b[K"
)

// progress tells people what goes on: one live line on a terminal, plain lines
// elsewhere. A nil *progress says nothing.
type progress struct {
	w    io.Writer
	live bool
	done chan struct{}
	over sync.WaitGroup

	mu    sync.Mutex
	what  string // the drill
	step  string
	since time.Time
	told  time.Time
}

func newProgress(w io.Writer, quiet bool) *progress {
	if quiet {
		return nil
	}
	p := &progress{w: w, live: isTerminal(w), done: make(chan struct{})}
	p.over.Go(p.beat)
	return p
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}

// begin names the drill whose steps follow.
func (p *progress) begin(what string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what, p.since = what, time.Now()
}

// at names the step that is being taken.
func (p *progress) at(step string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.step = step
	p.print()
}

// say prints a line for good, above the live one.
func (p *progress) say(format string, args ...any) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	line := fmt.Sprintf(format, args...) + "\n"
	if p.live {
		line = clearLine + line
	}
	p.write(line)
}

// close ends the beat and removes the live line.
func (p *progress) close() {
	if p == nil {
		return
	}
	close(p.done)
	p.over.Wait()
	if p.live {
		p.write(clearLine)
	}
}

func (p *progress) beat() {
	every := plainEvery
	if p.live {
		every = liveEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-p.done:
			return
		case <-tick.C:
			p.mu.Lock()
			if p.step != "" && (p.live || time.Since(p.told) >= plainEvery) {
				p.print()
			}
			p.mu.Unlock()
		}
	}
}

func (p *progress) print() {
	p.told = time.Now()
	line := fmt.Sprintf("%-28s %5.1fs  %s", p.what, time.Since(p.since).Seconds(), p.step)
	if p.live {
		p.write(clearLine + line)
		return
	}
	p.write(line + "\n")
}

// write tells progress; that it cannot be told is no reason to stop a drill.
func (p *progress) write(s string) {
	if _, err := io.WriteString(p.w, s); err != nil {
		p.step = "" // nobody reads: say no more until the next step
	}
}
