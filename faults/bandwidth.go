package faults

import (
	"errors"
	"time"

	"github.com/drillrun/drillrun/drills"
)

// widest is the highest rate that can be told from that of a healthy link: two
// dozen probes at once are as much as a store should be asked for.
const widest = 24 * longestQuestion * int(time.Second/longestProof)

// Bandwidth makes links narrow: a saturated uplink, a neighbour's backup, a
// cloud disk's or network's quota. Short messages pass, large ones queue up, and
// everybody behind them waits.
func Bandwidth() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{
			Name:       "bandwidth",
			Usage:      "bandwidth FROM->TO[,TO…] rate=BYTES/s [dir=both|requests|replies] [for=DURATION] [&]",
			Summary:    "the links carry no more than so many bytes a second",
			Doc:        "Stands for a saturated network or a quota. The rate (500B/s, 16KB/s, 0.2MB/s) is that of each link in each direction, shared by its connections; who sends more is slowed down. Proved by probes through each link that take as long as their bytes do at that rate, and did not before. Undone after for=, by \"heal\", or when the drill drains.",
			Check:      checkBandwidth,
			Aims:       atLinks,
			Background: true,
		},
		New: func(a drills.Args) (drills.Fault, error) {
			rate, err := a.Bandwidth("rate", 0, widest)
			if err != nil {
				return nil, err
			}
			links, err := degrading(a, drills.Degradation{Kind: drills.Bandwidth, Rate: rate})
			bytes := int(float64(rate)*longestProof.Seconds()) + 1
			return &bulk{links, bytes, longestProof}, err
		},
		Held: drills.HeldFor,
		Mild: true,
	}
}

func checkBandwidth(a drills.Args) error {
	if err := checkLinks(a, "dir", "rate"); err != nil {
		return err
	}
	rate, err := a.Bandwidth("rate", 0, widest)
	if err == nil && rate == 0 {
		err = errors.New("it needs a rate: write rate=16KB/s")
	}
	return err
}
