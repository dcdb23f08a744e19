package faults

import (
	"errors"
	"fmt"
	"time"

	"github.com/drillrun/drillrun/drills"
)

// shortestProof is how late slices must make a long answer to be told from a
// machine that has other things to do.
const shortestProof = 100 * time.Millisecond

// Slice makes links cut what they carry into small pieces, each some time after
// the one before: a tunnel with a tiny MTU, a radio link. It brings out readers
// that take one read for one message.
func Slice() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{
			Name:       "slice",
			Usage:      "slice FROM->TO[,TO…] size=BYTES delay=DURATION [dir=both|requests|replies] [for=DURATION] [&]",
			Summary:    "the links carry everything in small pieces, one after the other",
			Doc:        "Stands for a tunnel with a tiny MTU or a bad radio link. Every connection is cut into pieces of size=, each delay= after the one before; nothing is lost. Proved by a long question and answer through each link, which take as long as their pieces are apart, and did not before. Undone after for=, by \"heal\", or when the drill drains.",
			Check:      checkSlice,
			Aims:       atLinks,
			Background: true,
		},
		New: func(a drills.Args) (drills.Fault, error) {
			how, err := slicing(a)
			if err != nil {
				return nil, err
			}
			links, err := degrading(a, how)
			return &bulk{links, longestQuestion, min(apart(how), longestProof)}, err
		},
		Held: drills.HeldFor,
		Mild: true,
	}
}

func slicing(a drills.Args) (how drills.Degradation, err error) {
	how.Kind = drills.Slice
	if how.Size, err = a.Count("size", 0, longestQuestion); err != nil {
		return how, err
	}
	how.Delay, err = a.Duration("delay", 0)
	return how, err
}

// apart is the time between the first and the last piece of a long question.
func apart(how drills.Degradation) time.Duration {
	return time.Duration((longestQuestion-1)/how.Size) * how.Delay
}

func checkSlice(a drills.Args) error {
	if err := checkLinks(a, "dir", "size", "delay"); err != nil {
		return err
	}
	how, err := slicing(a)
	switch {
	case err != nil:
		return err
	case how.Size == 0 || how.Delay == 0:
		return errors.New("it needs a size and a delay: write size=100 delay=5ms")
	case apart(how) < shortestProof:
		return fmt.Errorf("%d bytes would be late by %v only, which proves nothing: want smaller pieces or a longer delay", longestQuestion, apart(how))
	}
	return nil
}
