package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/drillrun/drillrun/reports"
)

const (
	// plainEvery is how often a progress line is printed where nothing changed
	// and the output is no terminal, so that CI does not take it for dead.
	plainEvery = 5 * time.Second
	// liveEvery is how often the live line on a terminal is drawn anew.
	liveEvery = 200 * time.Millisecond

	clearLine = "\r\x1b[K"

	// leastColumns is assumed of a terminal that does not say how wide it is.
	leastColumns = 80
)

// progress tells people what goes on: one live line on a terminal, plain lines
// elsewhere and where several drills go on at once. A nil *progress says
// nothing.
type progress struct {
	w    io.Writer
	live *os.File // the terminal of the live line; nil for plain lines
	done chan struct{}
	over sync.WaitGroup

	mu    sync.Mutex
	lanes []*lane // drills under way, in the order in which they began
}

// lane is the progress of one drill.
type lane struct {
	progress *progress
	what     string // the drill
	since    time.Time
	step     string
	told     time.Time
}

func newProgress(w io.Writer, quiet bool, parallel int) *progress {
	if quiet {
		return nil
	}
	p := &progress{w: w, done: make(chan struct{})}
	if f, ok := screen(w); ok && parallel == 1 {
		p.live = f
	}
	p.over.Go(p.beat)
	return p
}

// begin opens the lane of a drill.
func (p *progress) begin(what string) *lane {
	l := &lane{progress: p, what: what, since: time.Now()}
	if p == nil {
		return l
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lanes = append(p.lanes, l)
	return l
}

// at names the step that is being taken.
func (l *lane) at(step string) {
	p := l.progress
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l.step = step
	p.print(l)
}

// end closes the lane: the drill is over.
func (l *lane) end() {
	p := l.progress
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lanes = slices.DeleteFunc(p.lanes, func(other *lane) bool { return other == l })
}

// say prints a line for good, above the live one.
func (p *progress) say(format string, args ...any) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	line := reports.PlainLines(fmt.Sprintf(format, args...)) + "\n"
	if p.live != nil {
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
	if p.live != nil {
		p.write(clearLine)
	}
}

func (p *progress) beat() {
	every := plainEvery
	if p.live != nil {
		every = liveEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-p.done:
			return
		case <-tick.C:
			p.remind()
		}
	}
}

// remind tells again of the drills that nothing was told of for long.
func (p *progress) remind() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lanes {
		if l.step != "" && (p.live != nil || time.Since(l.told) >= plainEvery) {
			p.print(l)
		}
	}
}

func (p *progress) print(l *lane) {
	l.told = time.Now()
	line := reports.Plain(fmt.Sprintf("%-28s %5.1fs  %s", l.what, time.Since(l.since).Seconds(), l.step))
	if p.live != nil {
		// What is wrapped stays behind when the line is drawn anew. A terminal may be
		// made wider or narrower meanwhile.
		p.write(clearLine + reports.Cut(line, cmp.Or(columns(p.live), leastColumns)-1))
		return
	}
	p.write(line + "\n")
}

// write tells progress; that it cannot be told is no reason to stop a drill.
func (p *progress) write(s string) {
	if _, err := io.WriteString(p.w, s); err != nil {
		for _, l := range p.lanes {
			l.step = "" // nobody reads: say no more until the next step
		}
	}
}
