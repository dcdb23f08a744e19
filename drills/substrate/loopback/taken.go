package loopback

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// The columns of the kernel's tables of sockets that are of interest, and the state
// of a socket that listens.
const (
	localColumn = 1 // ADDRESS:PORT in hexadecimal
	stateColumn = 3
	listening   = "0A"
)

// everywhere are the ports on which somebody listens on all addresses: they are free
// on none. Whoever listens on one address alone is on no claimed one.
func everywhere() (map[int]bool, error) {
	taken := map[int]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		if err := addEverywhere(taken, table); err != nil {
			return nil, err
		}
	}
	return taken, nil
}

// addEverywhere reads a table. A kernel without IPv6 has only one, and some sandboxes
// have none.
func addEverywhere(taken map[int]bool, table string) error {
	f, err := os.Open(table)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Scan() // the heading
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) <= stateColumn || fields[stateColumn] != listening {
			continue
		}
		address, hex, _ := strings.Cut(fields[localColumn], ":")
		if strings.Trim(address, "0") != "" {
			continue
		}
		port, err := strconv.ParseUint(hex, 16, 16)
		if err != nil {
			return fmt.Errorf("%s: %w", table, err)
		}
		taken[int(port)] = true
	}
	return lines.Err()
}
