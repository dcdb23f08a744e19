package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/drillrun/drillrun/drills"
)

// Limit makes links close each connection after so many bytes: a proxy with a
// quota, a middlebox that gives up on large transfers. Small messages pass, so
// that health checks stay green, and the same large one fails each time.
func Limit() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{
			Name:       "limit",
			Usage:      "limit FROM->TO[,TO…] bytes=N [dir=both|requests|replies] [for=DURATION] [&]",
			Summary:    "the links close each connection after so many bytes",
			Doc:        "Stands for a proxy with a quota or a middlebox that gives up on large transfers. Each connection is closed, on both sides, once bytes= have passed since the fault began, in either direction or in that of dir=. A client that reconnects and carries little goes on. Proved by a probe with more than that, through each link, which is answered before and cut off after. Undone after for=, by \"heal\", or when the drill drains.",
			Check:      checkLimit,
			Aims:       atLinks,
			Background: true,
		},
		New: func(a drills.Args) (drills.Fault, error) {
			bytes, err := a.Count("bytes", 0, longestQuestion-1)
			if err != nil {
				return nil, err
			}
			links, err := degrading(a, drills.Degradation{Kind: drills.Limit, Bytes: bytes})
			return &limit{links}, err
		},
		Held: drills.HeldFor,
		Mild: true,
	}
}

func checkLimit(a drills.Args) error {
	if err := checkLinks(a, "dir", "bytes"); err != nil {
		return err
	}
	bytes, err := a.Count("bytes", 0, longestQuestion-1)
	if err == nil && bytes == 0 {
		err = errors.New("it needs a number of bytes: write bytes=4096")
	}
	return err
}

type limit struct{ degraded }

// tooMuch asks for more than passes.
func (f *limit) tooMuch(ctx context.Context, c cut) error {
	return c.probeWith(ctx, f.how.Bytes+1, answersWithin)
}

// Plan also sees each link carry more than that.
func (f *limit) Plan(ctx context.Context, t drills.Target) (drills.Undo, error) {
	undo, err := f.degraded.Plan(ctx, t)
	if err != nil {
		return drills.Undo{}, err
	}
	return undo, f.each(func(c cut) error { return f.tooMuch(ctx, c) })
}

// Await asks every link for too much, and wants to be cut off.
func (f *limit) Await(ctx context.Context) (drills.Evidence, error) {
	err := f.each(func(c cut) error {
		switch err := f.tooMuch(ctx, c); {
		case err == nil:
			return errors.New("a probe with more bytes was answered")
		case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
			return nil
		default:
			return fmt.Errorf("it does not close connections: %w", err)
		}
	})
	if err != nil {
		return nil, err
	}
	return drills.Evidence{"closed": f.names(), "direction": f.how.Direction, "after_bytes": f.how.Bytes}, nil
}
