package docker

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// key is a secret of the user, with which everything made here is sealed. Labels
// alone prove nothing: those of an image are on all of its containers, and whoever
// starts a container can write any.
type key []byte

const (
	keySize = 32
	keyFile = "labels.key"
)

// sealed are the labels that a seal is for.
var sealed = []string{labelLock, labelDrill, labelName, labelOrigin, labelProject}

// seal is what labels must have beside them to be believed.
func (k key) seal(labels map[string]string) string {
	mac := hmac.New(sha256.New, k)
	for _, name := range sealed {
		fmt.Fprintf(mac, "%d %s", len(labels[name]), labels[name])
	}
	return hex.EncodeToString(mac.Sum(nil))
}

// made says whether whoever wrote these labels has the key.
func (k key) made(labels map[string]string) bool {
	return len(k) == keySize && hmac.Equal([]byte(labels[labelSeal]), []byte(k.seal(labels)))
}

// keyFolders are where the key is looked for, and made: it must outlast a reboot, so
// that what was there before can still be healed.
func keyFolders() []string {
	last := filepath.Join(os.TempDir(), fmt.Sprintf("drillrun-of-%d", os.Geteuid()))
	if os.Geteuid() == 0 {
		return []string{"/var/lib/drillrun", last} // not in a home, which `sudo -E` leaves to its user
	}
	if dir, err := os.UserConfigDir(); err == nil {
		return []string{filepath.Join(dir, "drillrun"), last}
	}
	return []string{last}
}

// knownKey is the user's key, nil if he has none yet.
func knownKey() key {
	for _, dir := range keyFolders() {
		if k, err := readKey(filepath.Join(dir, keyFile)); err == nil {
			return k
		}
	}
	return nil
}

// ownKey is the user's key, which is made if need be.
func ownKey() (key, error) {
	if k := knownKey(); k != nil {
		return k, nil
	}
	var errs []error
	for _, dir := range keyFolders() {
		k, err := makeKey(dir)
		if err == nil {
			return k, nil
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("make a key to seal labels with: %w", errors.Join(errs...))
}

// makeKey has the file be there whole or not at all. Of several who make it at once
// all get the first one's.
func makeKey(dir string) (_ key, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, keyFile+".")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	k := make(key, keySize)
	if _, err := rand.Read(k); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	_, err = f.Write(k)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, keyFile)
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	return readKey(path)
}

// readKey reads a key that nobody else can have written or read.
func readKey(path string) (key, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	its, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.Mode().IsRegular() || int(its.Uid) != os.Geteuid() || info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s is not this user's alone", path)
	}
	k := make(key, keySize)
	if _, err := io.ReadFull(f, k); err != nil || info.Size() != keySize {
		return nil, errors.Join(fmt.Errorf("%s is no key", path), err)
	}
	return k, nil
}
