package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// openTerminal is a terminal that wide, and the end at which somebody looks.
func openTerminal(t *testing.T, wide uint16) (looker, screen *os.File) {
	t.Helper()
	looker, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, looker.Close()) })
	fd := int(looker.Fd())
	require.NoError(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	require.NoError(t, err)
	screen, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, screen.Close()) })
	require.NoError(t, unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: wide}))
	return looker, screen
}

func TestTheLiveLineIsNeverWrappedAndSpeaksToNoTerminal(t *testing.T) {
	t.Setenv("TERM", "xterm")
	for _, wide := range []uint16{20, 60, 80, 200} {
		looker, screen := openTerminal(t, wide)
		p := newProgress(screen, false, 1)
		l := p.begin("leader-pause")
		l.at("load jobs rate=200/s work=10ms..60ms \x1b[31m日本語" + strings.Repeat(" 日本", 100))
		l.end()
		p.close()
		text := make([]byte, 1<<16)
		n, err := looker.Read(text)
		require.NoError(t, err)
		lines := bytes.Split(text[:n], []byte(clearLine))
		for _, line := range lines {
			require.NotContains(t, string(line), "\x1b")
			plain := strings.Count(string(line), "日") + strings.Count(string(line), "本") + strings.Count(string(line), "語")
			require.Less(t, utf8.RuneCount(line)+plain, int(wide), "%q", line)
		}
	}
}

func TestPlainProgressIsTextAndNothingElse(t *testing.T) {
	t.Setenv("TERM", "xterm")
	var b bytes.Buffer
	p := newProgress(&b, false, 1)
	l := p.begin("odd\x1b[31m")
	l.at("kill\x07 leader")
	p.say("%s", "healed \x9b\u009b2J\u202e")
	l.end()
	p.close()
	for _, c := range []string{"\x1b", "\x07", "\x9b2", "\u202e", "\u009b"} {
		require.NotContains(t, b.String(), c)
	}
	require.Contains(t, b.String(), "kill  leader\n")
}
