package local

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/loopback"
)

// What drills go on without, but not well. A drill has some hundred connections,
// each through a proxy and so with two ports and two open files of the harness,
// and stores of a hundred megabytes.
const (
	fewPorts = 1000
	fewFiles = 4096
	// tooFewFiles is what a small drill does not go on with at all.
	tooFewFiles = 256
	little      = 1 << 30 // bytes of scratch space
)

// machine looks for what is no program.
func machine(ctx context.Context, c Config) []Finding {
	who, err := storeAccount()
	return []Finding{findUser(ctx, who, err), findLoopback(ctx), findPorts(), findScratch(c, who), findFiles()}
}

// lacking is a finding of something that is missing, or too little.
func lacking(f Finding, missing, hint string, err error) Finding {
	f.Err = &drills.EnvironmentError{Missing: missing, Hint: hint, Err: err}
	return f
}

// findUser says who would run the stores.
func findUser(ctx context.Context, who account, err error) Finding {
	f := Finding{Name: "store user"}
	if err != nil {
		return lacking(f, "a user for the stores, which refuse to run as root", "`useradd --system postgres`", err)
	}
	switch f.Err = who.named(ctx); {
	case f.Err != nil:
	case who.credential != nil:
		f.Have = who.name + ", since drillrun runs as root"
	default:
		f.Have = "the one of drillrun, which is not root"
	}
	return f
}

// findLoopback tries whether drills can have loopback addresses of their own.
func findLoopback(ctx context.Context) Finding {
	f := Finding{Name: "loopback"}
	var config net.ListenConfig
	probe, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err == nil {
		err = probe.Close()
	}
	if err != nil {
		return lacking(f, "a loopback device", "`ip link set lo up`", err)
	}
	h, err := loopback.Claim(ctx)
	if err != nil {
		return lacking(f, "ports for stores and replicas", "`sysctl -w net.ipv4.ip_local_port_range='32768 60999'`", err)
	}
	f.Have = fmt.Sprintf("127.0.0.1, and an address for each drill such as %v", h.IP())
	if h.Shared() {
		f.Have, f.Minor = "127.0.0.1 alone", true
		return lacking(f, "loopback addresses for each drill", "`ip route add local 127.0.0.0/8 dev lo`", nil)
	}
	if err := h.Release(); err != nil {
		return lacking(f, "loopback addresses for each drill", "", err)
	}
	return f
}

// findPorts counts the ports that are left for outgoing connections.
func findPorts() Finding {
	f := Finding{Name: "ports", Minor: true}
	low, high, err := loopback.OutgoingPorts()
	used := map[int]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		err = errors.Join(err, addLocalPorts(used, table))
	}
	if err != nil {
		return lacking(f, "the number of free ports", "mount /proc", err)
	}
	free := high - low + 1
	for port := range used {
		if port >= low && port <= high {
			free--
		}
	}
	f.Have = fmt.Sprintf("%d of %d free for outgoing connections", free, high-low+1)
	if free < fewPorts {
		return lacking(f, fmt.Sprintf("%d free ports", fewPorts),
			"wait until old connections have timed out, or `sysctl -w net.ipv4.ip_local_port_range='32768 60999'`", nil)
	}
	return f
}

// addLocalPorts reads the local ports off one of the kernel's tables of sockets,
// whose second column is ADDRESS:PORT in hexadecimal. A kernel without IPv6 has
// only the other one.
func addLocalPorts(used map[int]bool, table string) error {
	text, err := os.ReadFile(table)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	lines := bufio.NewScanner(strings.NewReader(string(text)))
	lines.Scan() // the heading
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		_, hex, _ := strings.Cut(fields[1], ":")
		port, portErr := strconv.ParseUint(hex, 16, 16)
		if portErr != nil {
			return fmt.Errorf("%s: %w", table, portErr)
		}
		used[int(port)] = true
	}
	return errors.Join(err, lines.Err())
}

// findScratch makes a scratch folder as a drill would, and removes it.
func findScratch(c Config, who account) Finding {
	f := Finding{Name: "scratch folder"}
	dir, err := c.parent()
	if err == nil && who.credential != nil {
		err = reachable(dir, who.name)
	}
	if missing, ok := errors.AsType[*drills.EnvironmentError](err); ok {
		f.Err = missing
		return f
	}
	if err == nil {
		var s *scratch
		if s, err = newScratch(dir); err == nil {
			err = s.remove()
		}
	}
	var volume unix.Statfs_t
	if err == nil {
		err = unix.Statfs(dir, &volume)
	}
	if err != nil {
		return lacking(f, "a folder for scratch data", "set TMPDIR to one that can be written to", err)
	}
	free := volume.Bavail * uint64(volume.Bsize)
	f.Have = fmt.Sprintf("%s, %.1f GB free", dir, float64(free)/1e9)
	if free < little {
		f.Minor = true
		return lacking(f, fmt.Sprintf("%.1f GB of scratch space", float64(little)/1e9), "set TMPDIR to a folder with more room", nil)
	}
	return f
}

// findFiles tells how many files the harness may have open: Go programs raise
// their own limit as far as they may.
func findFiles() Finding {
	f := Finding{Name: "open files", Minor: true}
	limit, err := openFiles()
	if err != nil {
		return lacking(f, "the limit of open files", "", err)
	}
	f.Have = fmt.Sprintf("%d at most", limit)
	if limit < fewFiles {
		f = lacking(f, fmt.Sprintf("%d open files", fewFiles), moreFiles, nil)
	}
	if err := enoughFiles(); err != nil {
		f.Minor, f.Err = false, err
	}
	return f
}

// moreFiles is how one gets them.
var moreFiles = fmt.Sprintf("`ulimit -n %d`, or LimitNOFILE= of the service", fewFiles)

func openFiles() (uint64, error) {
	var limit unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	return limit.Cur, err
}

// enoughFiles wants what a small drill needs: without, links and witness could not
// take connections, and the system would be cut off from them by nobody's fault.
func enoughFiles() error {
	limit, err := openFiles()
	if err == nil && limit < tooFewFiles {
		err = &drills.EnvironmentError{
			Missing: fmt.Sprintf("%d open files", tooFewFiles), Hint: moreFiles, Err: fmt.Errorf("%d at most", limit),
		}
	}
	return err
}
