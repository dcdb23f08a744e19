package docker

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// detours is the table of our rules in the namespace of a container that has been
// adopted.
var detours = &nftables.Table{Name: "drillrun-detours", Family: nftables.TableFamilyIPv4}

// detour has connections to one address lead to another.
type detour struct{ from, to netip.AddrPort }

// divert gives the namespace of a process these detours and no others. Connections
// to fresh addresses, to which there were none, are hung up: they were made before.
// What still goes to an address itself after that is reset.
func divert(pid int, all []detour, fresh []netip.AddrPort) error {
	if len(fresh) > 0 {
		if err := lay(pid, all, false); err != nil {
			return err
		}
		if err := hangUp(pid, fresh); err != nil {
			return err
		}
	}
	return lay(pid, all, true)
}

// lay makes the rules, all at once.
func lay(pid int, all []detour, resets bool) error {
	return inTables(pid, func(conn *nftables.Conn) error {
		conn.AddTable(detours)
		turn := conn.AddChain(&nftables.Chain{
			Name: "turn", Table: detours,
			Type: nftables.ChainTypeNAT, Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityNATDest,
		})
		reset := conn.AddChain(&nftables.Chain{
			Name: "reset", Table: detours,
			Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityFilter,
		})
		conn.FlushChain(turn)
		conn.FlushChain(reset)
		for _, d := range all {
			match := destination(d.from.Addr(), d.from.Port())
			conn.AddRule(&nftables.Rule{Table: detours, Chain: turn, Exprs: append(slices.Clone(match), leadTo(d.to)...)})
			if resets {
				conn.AddRule(&nftables.Rule{Table: detours, Chain: reset, Exprs: append(match, &expr.Reject{Type: unix.NFT_REJECT_TCP_RST})})
			}
		}
		return conn.Flush()
	})
}

// leadTo has a connection go to another address than it asked for.
func leadTo(to netip.AddrPort) []expr.Any {
	const address, port = 1, 2
	ip := to.Addr().As4()
	return []expr.Any{
		&expr.Immediate{Register: address, Data: ip[:]},
		&expr.Immediate{Register: port, Data: binaryutil.BigEndian.PutUint16(to.Port())},
		&expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_IPV4, RegAddrMin: address, RegProtoMin: port},
	}
}

// straighten takes our detours from the namespace of a process, if there are any.
func straighten(pid int) error {
	return inTables(pid, func(conn *nftables.Conn) error {
		tables, err := conn.ListTablesOfFamily(detours.Family)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(tables, func(t *nftables.Table) bool { return t.Name == detours.Name }) {
			return nil
		}
		conn.DelTable(detours)
		return conn.Flush()
	})
}

// inTables speaks to the kernel of a process's namespace.
func inTables(pid int, do func(*nftables.Conn) error) (err error) {
	ns, err := namespaceOf(pid)
	if err != nil {
		return err
	}
	defer ns.close() // only read
	conn, err := nftables.New(nftables.WithNetNSFd(int(ns.file.Fd())))
	if err != nil {
		return fmt.Errorf("change the detours of process %d: %w", pid, err)
	}
	if err := do(conn); err != nil {
		return fmt.Errorf("change the detours of process %d: %w", pid, err)
	}
	return nil
}
