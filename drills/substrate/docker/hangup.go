package docker

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// hangUp ends the connections to those addresses that processes have in the
// namespace of one of them. Both sides hear of it: a rule alone would have the near
// side reset, and the far side keep a session for nobody.
func hangUp(pid int, to []netip.AddrPort) error {
	inodes, err := socketsTo(pid, to)
	if err != nil || len(inodes) == 0 {
		return err
	}
	home, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		return err
	}
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return err
	}
	var errs []error
	for _, process := range processes {
		if its, err := os.Readlink(process + "/ns/net"); err == nil && its == home {
			errs = append(errs, shutDown(process, inodes))
		}
	}
	return errors.Join(errs...)
}

// socketsTo are the inodes of sockets that are connected to one of the addresses.
func socketsTo(pid int, to []netip.AddrPort) (inodes []string, err error) {
	for _, family := range []string{"tcp", "tcp6"} { // the second has addresses of the first, too
		table, err := os.Open(fmt.Sprintf("/proc/%d/net/%s", pid, family))
		if errors.Is(err, fs.ErrNotExist) && family == "tcp6" {
			continue
		}
		if err != nil {
			return nil, err
		}
		lines := bufio.NewScanner(table)
		for lines.Scan() {
			fields := strings.Fields(lines.Text())
			const remote, inode = 2, 9
			if len(fields) <= inode {
				continue
			}
			if at, ok := parseRemote(fields[remote]); ok && slices.Contains(to, at) {
				inodes = append(inodes, fields[inode])
			}
		}
		if err := errors.Join(lines.Err(), table.Close()); err != nil {
			return nil, err
		}
	}
	return inodes, nil
}

// parseRemote reads an address as the kernel's table has it: words of four bytes,
// each in this machine's order, and the port.
func parseRemote(text string) (netip.AddrPort, bool) {
	host, port, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(host)
	if err != nil || len(raw)%4 != 0 {
		return netip.AddrPort{}, false // the head of the table
	}
	for word := range slices.Chunk(raw, 4) {
		slices.Reverse(word)
	}
	ip, ok := netip.AddrFromSlice(raw)
	number, err := strconv.ParseUint(port, 16, 16)
	return netip.AddrPortFrom(ip.Unmap(), uint16(number)), ok && err == nil
}

// shutDown shuts those sockets down of which the process has a descriptor. One that
// ends meanwhile has none.
func shutDown(process string, inodes []string) error {
	pid, err := strconv.Atoi(filepath.Base(process))
	if err != nil {
		return err
	}
	descriptors, err := os.ReadDir(process + "/fd")
	if err != nil {
		return unlessGone(err)
	}
	for _, d := range descriptors {
		what, err := os.Readlink(filepath.Join(process, "fd", d.Name()))
		inode, _ := strings.CutPrefix(what, "socket:[")
		if err != nil || !slices.Contains(inodes, strings.TrimSuffix(inode, "]")) {
			continue
		}
		number, err := strconv.Atoi(d.Name())
		if err != nil {
			return err
		}
		if err := shutDownOne(pid, number); err != nil {
			return fmt.Errorf("hang up a connection of process %d: %w", pid, err)
		}
	}
	return nil
}

func shutDownOne(pid, number int) error {
	of, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return unlessGone(err)
	}
	defer unix.Close(of)
	socket, err := unix.PidfdGetfd(of, number, 0)
	if err != nil {
		return unlessGone(err)
	}
	defer unix.Close(socket)
	return unlessGone(unix.Shutdown(socket, unix.SHUT_RDWR))
}

// unlessGone is no error where there is nothing left to hang up.
func unlessGone(err error) error {
	for _, gone := range []error{fs.ErrNotExist, unix.ESRCH, unix.EBADF, unix.ENOTCONN, unix.ENOTSOCK} {
		if errors.Is(err, gone) {
			return nil
		}
	}
	return err
}
