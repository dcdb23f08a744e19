package link_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/drillrun/drillrun/drills/substrate/link"
)

// diary is what a link has told.
type diary struct {
	mu   sync.Mutex
	told []string
}

func (d *diary) note(what string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told = append(d.told, what+": "+err.Error())
}

func (d *diary) all() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.told
}

func TestALinkTellsWhatItCannotDialForWantOfItsOwn(t *testing.T) {
	for name, test := range map[string]struct {
		err   error
		first bool // somebody listens before it happens
		told  int
	}{
		"too many open files":                     {os.NewSyscallError("socket", syscall.EMFILE), true, 1},
		"too many open files before anybody asks": {os.NewSyscallError("socket", syscall.EMFILE), false, 1},
		"no port is left":                         {os.NewSyscallError("connect", syscall.EADDRNOTAVAIL), true, 1},
		"its upstream refuses":                    {os.NewSyscallError("connect", syscall.ECONNREFUSED), true, 0},
		"it was told to stop":                     {context.Canceled, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := link.Open(t.Context(), link.Config{
				From: "replica-1", To: "postgres", Listen: "127.0.0.1:0", Upstream: "127.0.0.1:9",
				DialWith: func(context.Context, string) (net.Conn, error) { return nil, &net.OpError{Op: "dial", Err: test.err} },
			})
			require.NoError(t, err)
			defer func() { require.NoError(t, l.Close(context.Background())) }()
			var d diary
			if test.first {
				l.OnTrouble(d.note)
			}
			for range 2 {
				conn, err := net.Dial("tcp", l.Addr())
				require.NoError(t, err)
				require.NoError(t, conn.SetDeadline(time.Now().Add(5*time.Second)))
				_, err = conn.Read(make([]byte, 1))
				require.Error(t, err, "the link hangs up")
				require.NoError(t, conn.Close())
			}
			if !test.first {
				l.OnTrouble(d.note)
				require.Len(t, d.all(), 1, "the first of its kind")
				return
			}
			require.Len(t, d.all(), 2*test.told, "each time")
			for _, line := range d.all() {
				require.Contains(t, line, "dial 127.0.0.1:9: ")
			}
		})
	}
}

// starving is the variable by which this test's program is one whose link has no
// descriptor to spare.
const starving = "LINK_TEST_STARVING"

func TestALinkTellsWhenItsProcessHasNoDescriptorsLeft(t *testing.T) {
	if upstream := os.Getenv(starving); upstream != "" {
		starve(t, upstream)
		return
	}
	upstream := listen(t)
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestALinkTellsWhenItsProcess", "-test.v")
	child.Env = append(os.Environ(), starving+"="+upstream.Addr().String())
	end, err := child.StdinPipe()
	require.NoError(t, err)
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	lines := bufio.NewScanner(out)
	addr := ""
	for addr == "" && lines.Scan() {
		_, addr, _ = strings.Cut(lines.Text(), "link at ")
	}
	require.NotEmpty(t, addr)
	for range 16 {
		conn, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		defer closeQuietly(t, conn)
	}
	told := ""
	for told == "" && lines.Scan() {
		_, told, _ = strings.Cut(lines.Text(), "told ")
	}
	require.Contains(t, told, "too many open files")
	require.NoError(t, end.Close())
	for lines.Scan() { // to its end
		t.Log(lines.Text())
	}
	require.NoError(t, child.Wait())
}

// starve opens a link with a handful of descriptors to spare, and tells what the
// link tells, until its standard input ends.
func starve(t *testing.T, upstream string) {
	l := open(t, upstream)
	spare, err := os.Open(os.DevNull)
	require.NoError(t, err)
	limit := uint64(spare.Fd()) + 4
	require.NoError(t, spare.Close())
	var before unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &before))
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: limit, Max: before.Max}))
	l.OnTrouble(func(what string, err error) { fmt.Println("told", what+":", err) })
	fmt.Println("link at", l.Addr())
	_, err = bufio.NewReader(os.Stdin).ReadByte()
	require.ErrorIs(t, err, io.EOF)
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &before))
}
