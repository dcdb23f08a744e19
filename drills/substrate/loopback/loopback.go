// Package loopback hands out addresses of this machine that nobody else takes:
// to each drill a loopback address of its own, and ports on it. A port stays
// its owner's while the owner is down.
package loopback

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
)

const (
	// claimPort is bound for as long as an address is claimed.
	claimPort = 20000
	// spread is the range in which the first port is drawn that is handed out: of
	// two drills a service that takes ports in a row must not hit both.
	spread = 10000
	// lowestPort is the first port used on a shared address.
	lowestPort = 10000
	// attempts is how many addresses or ports are tried before giving up.
	attempts = 200
)

// Host is the loopback address of one substrate. It hands out ports, none of
// them twice, and is safe for concurrent use.
type Host struct {
	ip    netip.Addr
	claim net.Listener // nil on the shared address

	taken map[int]bool // on every address, by somebody who listens there

	mu    sync.Mutex
	next  int
	limit int // the last port it may hand out
}

// Claim picks a random address in 127.0.0.0/8 and keeps others from
// picking it. Where such addresses cannot be bound, it is 127.0.0.1.
func Claim(ctx context.Context) (*Host, error) {
	taken, err := everywhere()
	if err != nil {
		return nil, fmt.Errorf("find ports: %w", err)
	}
	var config net.ListenConfig
	for range 3 {
		ip := netip.AddrFrom4([4]byte{127, byte(1 + rand.IntN(254)), byte(rand.IntN(256)), byte(1 + rand.IntN(254))})
		claim, err := config.Listen(ctx, "tcp", netip.AddrPortFrom(ip, claimPort).String())
		if err == nil {
			return &Host{ip: ip, claim: claim, taken: taken, next: claimPort + 1 + rand.N(spread), limit: 65535}, nil
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("claim a loopback address: %w", err)
		}
	}
	return sharedHost()
}

// sharedHost is 127.0.0.1 with the ports below those that the kernel gives to
// outgoing connections: one of these could otherwise sit on the port of a
// replica that is down.
func sharedHost() (*Host, error) {
	low, _, err := OutgoingPorts()
	if err != nil {
		return nil, fmt.Errorf("find ports: %w", err)
	}
	if low < lowestPort+2*attempts {
		return nil, fmt.Errorf("find ports: outgoing connections take all ports from %d on", low)
	}
	start := lowestPort + rand.N(low-lowestPort-attempts)
	return &Host{ip: netip.AddrFrom4([4]byte{127, 0, 0, 1}), next: start, limit: low - 1}, nil
}

// OutgoingPorts are the first and the last port that the kernel gives to
// outgoing connections.
func OutgoingPorts() (low, high int, err error) {
	const file = "/proc/sys/net/ipv4/ip_local_port_range"
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return 32768, 60999, nil // the kernel's default
	}
	if err != nil {
		return 0, 0, err
	}
	if _, err := fmt.Fscan(strings.NewReader(string(text)), &low, &high); err != nil {
		return 0, 0, fmt.Errorf("%s: %w", file, err)
	}
	return low, high, nil
}

// Port hands out an address, host:port, nobody listens on. On a claimed address that is the
// next one that nobody has on all addresses: to probe it would do harm, since a child
// that is being forked in the meantime holds a copy of the probe until it execs.
func (h *Host) Port(ctx context.Context) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.claim != nil && h.next <= h.limit {
		h.next++
		if port := h.next - 1; !h.taken[port] {
			return netip.AddrPortFrom(h.ip, uint16(port)).String(), nil
		}
	}
	var config net.ListenConfig
	for range attempts {
		if h.next > h.limit {
			break
		}
		addr := netip.AddrPortFrom(h.ip, uint16(h.next)).String()
		h.next++
		probe, err := config.Listen(ctx, "tcp", addr)
		if err != nil {
			if ctx.Err() != nil {
				return "", fmt.Errorf("find a port: %w", err)
			}
			continue
		}
		if err := probe.Close(); err != nil {
			return "", fmt.Errorf("find a port: %w", err)
		}
		return addr, nil
	}
	return "", fmt.Errorf("find a port: none is free on %v", h.ip)
}

// IP is the address.
func (h *Host) IP() netip.Addr { return h.ip }

// Shared says that the address is 127.0.0.1, because no other can be bound here.
func (h *Host) Shared() bool { return h.claim == nil }

// Release lets others claim the address.
func (h *Host) Release() error {
	if h.claim == nil {
		return nil
	}
	return h.claim.Close()
}
