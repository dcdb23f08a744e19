package input_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/internal/input"
)

func TestOnlyARegularFileIsRead(t *testing.T) {
	dir := t.TempDir()
	pipe, link, socket := filepath.Join(dir, "pipe"), filepath.Join(dir, "link"), filepath.Join(dir, "socket")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	require.NoError(t, os.Symlink("/dev/zero", link))
	l, err := net.Listen("unix", socket)
	require.NoError(t, err)
	defer l.Close()
	for path, want := range map[string]string{
		dir:                           "is a folder: want a regular file",
		pipe:                          "is a pipe: want a regular file",
		link:                          "is a device: want a regular file",
		socket:                        "is a socket: want a regular file",
		"/dev/zero":                   "is a device: want a regular file",
		filepath.Join(dir, "missing"): "no such file or directory",
	} {
		_, err := input.Read(path, 10)
		require.ErrorContains(t, err, want, path)
	}
	_, err = input.Read(filepath.Join(dir, "missing"), 10)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestAFileIsReadUpToItsLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("x", 2<<10)), 0o600))
	text, err := input.Read(path, 2<<10)
	require.NoError(t, err)
	require.Len(t, text, 2<<10)
	_, err = input.Read(path, 1<<10)
	require.ErrorContains(t, err, "is too long: it may have at most 1 KiB")
}

func TestAFileNameIsToldPrintable(t *testing.T) {
	_, err := input.Read("\x1b[31mred\nfile", 10)
	require.EqualError(t, err, `open \x1b[31mred\nfile: no such file or directory`)
}

func TestTextIsToldFromWhatIsNone(t *testing.T) {
	text, err := input.Text([]byte("\ufeffdrain\n"))
	require.NoError(t, err)
	require.Equal(t, "drain\n", string(text))
	for name, c := range map[string]struct {
		source []byte
		want   string
	}{
		"little-endian with a mark":    {wide("\ufeffdrain and more", false), "it is UTF-16"},
		"big-endian with a mark":       {wide("\ufeffdrain and more", true), "it is UTF-16"},
		"little-endian without a mark": {wide("drain and more", false), "it is UTF-16"},
		"big-endian without a mark":    {wide("drain and more", true), "it is UTF-16"},
		"a program":                    {[]byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00"), "it is no text: it has zero bytes"},
		"letters of Latin-1":           {[]byte("# caf\xe9\n"), "it is no text in UTF-8"},
	} {
		_, err := input.Text(c.source)
		require.ErrorContains(t, err, c.want, name)
		require.NotContains(t, err.Error(), "\n", name)
	}
}

// wide is a text in UTF-16.
func wide(text string, bigEndian bool) (source []byte) {
	for _, unit := range utf16.Encode([]rune(text)) {
		low, high := byte(unit), byte(unit>>8)
		if bigEndian {
			low, high = high, low
		}
		source = append(source, low, high)
	}
	return source
}

func TestWordsAreMadeFitForMessages(t *testing.T) {
	require.Equal(t, `kill \x1b[31mleader\u202e é	\xff`, input.Line("kill \x1b[31mleader\u202e é\t\xff"))
	require.Equal(t, strings.Repeat("ä", 160)+"…", input.Line(strings.Repeat("ä", 200_000)))
	cause := errors.New("bad \a word\nsecond line")
	told := input.Error(cause)
	require.EqualError(t, told, "bad \\a word\nsecond line")
	require.ErrorIs(t, told, cause)
	plain := errors.New("plain")
	require.Equal(t, plain, input.Error(plain))
	require.NoError(t, input.Error(nil))
	require.Less(t, len(input.Error(errors.New(strings.Repeat("x", 200_000))).Error()), 1000)
}
