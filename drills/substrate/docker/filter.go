package docker

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/drillrun/drillrun/drills"
)

// filter drops the packets between a container and one port of a peer, in the
// container's own network namespace. It counts them.
type filter struct {
	namespace namespace
	table     *nftables.Table
}

// newFilter is in effect when it returns.
func newFilter(pid int, peer string, port uint16, direction drills.Direction) (*filter, error) {
	at, err := netip.ParseAddr(peer)
	if err != nil {
		return nil, fmt.Errorf("address of the peer: %w", err)
	}
	ns, err := namespaceOf(pid)
	if err != nil {
		return nil, err
	}
	f := &filter{namespace: ns, table: &nftables.Table{Name: "drillrun", Family: nftables.TableFamilyIPv4}}
	if err := f.install(at, port, direction); err != nil {
		return nil, errors.Join(fmt.Errorf("drop packets: %w", err), ns.close())
	}
	return f, nil
}

func (f *filter) install(peer netip.Addr, port uint16, direction drills.Direction) error {
	conn, err := f.connect()
	if err != nil {
		return err
	}
	conn.AddTable(f.table)
	if direction != drills.Replies {
		f.drop(conn, nftables.ChainHookOutput, destination(peer, port))
	}
	if direction != drills.Requests {
		f.drop(conn, nftables.ChainHookInput, source(peer, port))
	}
	return conn.Flush()
}

// connect speaks to the kernel of the namespace.
func (f *filter) connect() (*nftables.Conn, error) {
	return nftables.New(nftables.WithNetNSFd(int(f.namespace.file.Fd())))
}

// drop adds a chain with one rule: what matches is counted and dropped.
func (f *filter) drop(conn *nftables.Conn, hook *nftables.ChainHook, match []expr.Any) {
	chain := conn.AddChain(&nftables.Chain{
		Name: fmt.Sprintf("hook-%d", *hook), Table: f.table,
		Type: nftables.ChainTypeFilter, Hooknum: hook, Priority: nftables.ChainPriorityFilter,
	})
	conn.AddRule(&nftables.Rule{
		Table: f.table, Chain: chain,
		Exprs: append(match, &expr.Counter{}, &expr.Verdict{Kind: expr.VerdictDrop}),
	})
}

// Offsets of what is matched in the headers of IPv4 and of TCP, in bytes.
const (
	offsetSource          = 12
	offsetDestination     = 16
	offsetSourcePort      = 0
	offsetDestinationPort = 2
)

func destination(peer netip.Addr, port uint16) []expr.Any {
	return packets(offsetDestination, peer, offsetDestinationPort, port)
}

func source(peer netip.Addr, port uint16) []expr.Any {
	return packets(offsetSource, peer, offsetSourcePort, port)
}

// packets matches TCP with that address and that port at these offsets.
func packets(addrAt uint32, addr netip.Addr, portAt uint32, port uint16) []expr.Any {
	const register = 1
	load := func(base expr.PayloadBase, offset, size uint32) expr.Any {
		return &expr.Payload{DestRegister: register, Base: base, Offset: offset, Len: size}
	}
	equals := func(data []byte) expr.Any { return &expr.Cmp{Op: expr.CmpOpEq, Register: register, Data: data} }
	ip := addr.As4()
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: register}, equals([]byte{unix.IPPROTO_TCP}),
		load(expr.PayloadBaseNetworkHeader, addrAt, uint32(len(ip))), equals(ip[:]),
		load(expr.PayloadBaseTransportHeader, portAt, 2), equals(binaryutil.BigEndian.PutUint16(port)),
	}
}

// count is how many packets have been dropped.
func (f *filter) count() (packets uint64, err error) {
	conn, err := f.connect()
	if err != nil {
		return 0, err
	}
	chains, err := conn.ListChainsOfTableFamily(f.table.Family)
	if err != nil {
		return 0, fmt.Errorf("count dropped packets: %w", err)
	}
	for _, chain := range chains {
		if chain.Table.Name != f.table.Name {
			continue
		}
		rules, err := conn.GetRules(f.table, chain)
		if err != nil {
			return 0, fmt.Errorf("count dropped packets: %w", err)
		}
		for _, rule := range rules {
			packets += counted(rule)
		}
	}
	return packets, nil
}

func counted(rule *nftables.Rule) (packets uint64) {
	for _, e := range rule.Exprs {
		if counter, ok := e.(*expr.Counter); ok {
			packets += counter.Packets
		}
	}
	return packets
}

// remove lets everything pass. In a namespace whose container has ended there
// may be nobody left to tell, and the rules go with it.
func (f *filter) remove() error {
	conn, err := f.connect()
	if err != nil {
		return err
	}
	conn.DelTable(f.table)
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("let packets pass: %w", err)
	}
	return f.namespace.close()
}
