package runner

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"

	"github.com/drillrun/drillrun/internal/input"
)

// SignatureFile is the signature of the history, where somebody has signed it. It is
// one of SSH's, as `ssh-keygen -Y sign -n drillrun` writes it.
const SignatureFile = HistoryFile + ".sig"

// namespace keeps a signature of a history from being taken for one of anything else.
const namespace = "drillrun"

// keyLimit bounds what is read of a key or a signature.
const keyLimit = 64 << 10

// SignKey signs histories.
type SignKey struct{ signer ssh.Signer }

// ReadSignKey reads an Ed25519 private key as ssh-keygen writes it. Nobody but its
// owner may be allowed to read the file, and it has no passphrase: nobody is there to
// type it.
func ReadSignKey(file string) (*SignKey, error) {
	text, err := input.Read(file, keyLimit)
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the key: %w", err)
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("%s may be read by others (mode %04o): whoever has it can sign; chmod 600 it", file, info.Mode().Perm())
	}
	signer, err := ssh.ParsePrivateKey(text)
	var locked *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &locked):
		return nil, fmt.Errorf("%s has a passphrase, and nobody is there to type it: make a key without one, ssh-keygen -t ed25519 -N ''", file)
	case err != nil:
		return nil, fmt.Errorf("%s is no private key of SSH: %w", file, err)
	case signer.PublicKey().Type() != ssh.KeyAlgoED25519:
		return nil, fmt.Errorf("%s is a key of type %s: want ssh-ed25519", file, signer.PublicKey().Type())
	}
	return &SignKey{signer}, nil
}

// VerifyKeys are the public keys of those whose signatures count.
type VerifyKeys []ssh.PublicKey

// ReadVerifyKeys reads Ed25519 public keys, one a line as in id_ed25519.pub.
func ReadVerifyKeys(file string) (VerifyKeys, error) {
	text, err := input.Read(file, keyLimit)
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	if _, err := ssh.ParseRawPrivateKey(text); err == nil {
		return nil, fmt.Errorf("%s is a private key: a verifier needs the public one, %[1]s.pub", file)
	}
	var keys VerifyKeys
	for text = bytes.TrimSpace(text); len(text) > 0; text = bytes.TrimSpace(text) {
		key, _, options, rest, err := ssh.ParseAuthorizedKey(text)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s has a line that is no public key of SSH: %w", file, err)
		case len(options) > 0:
			return nil, fmt.Errorf("%s has a line that begins with %q: want nothing but the key, as in id_ed25519.pub", file, options[0])
		case key.Type() != ssh.KeyAlgoED25519:
			return nil, fmt.Errorf("%s has a key of type %s: want ssh-ed25519", file, key.Type())
		}
		keys, text = append(keys, key), rest
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s has no key", file)
	}
	return keys, nil
}

// sign signs the sealed history, beside it. With the history goes the digest of the
// scenario, which is in its header: all that a verdict rests on.
func (f Folder) sign(key *SignKey) error {
	file, err := input.Open(f.File(HistoryFile))
	if err != nil {
		return fmt.Errorf("sign the history: %w", err)
	}
	defer file.Close() // only read: nothing can be lost
	signature, err := sshsig.Sign(file, key.signer, sshsig.HashSHA512, namespace)
	if err != nil {
		return fmt.Errorf("sign the history: %w", err)
	}
	return f.write(SignatureFile, func(w io.Writer) error {
		_, err := w.Write(sshsig.Armor(signature))
		return err
	})
}

// verify says by which of the keys the history was signed. Its error says why it
// cannot be believed to be.
func (f Folder) verify(keys VerifyKeys) (signer string, err error) {
	text, err := input.Read(f.File(SignatureFile), keyLimit)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("the history is not signed: there is no %s", SignatureFile)
	case err != nil:
		return "", fmt.Errorf("read the signature: %w", err)
	}
	signature, err := sshsig.Unarmor(text)
	if err != nil {
		return "", fmt.Errorf("the signature in %s cannot be read: %w", SignatureFile, err)
	}
	by := ssh.FingerprintSHA256(signature.PublicKey)
	for _, key := range keys {
		if ssh.FingerprintSHA256(key) != by {
			continue
		}
		file, err := input.Open(f.File(HistoryFile))
		if err != nil {
			return "", fmt.Errorf("verify the signature: %w", err)
		}
		defer file.Close() // only read: nothing can be lost
		if err := sshsig.Verify(file, signature, key, signature.HashAlgorithm, namespace); err != nil {
			return "", fmt.Errorf("the signature in %s is not one of this history: %w", SignatureFile, err)
		}
		return by, nil
	}
	return "", fmt.Errorf("the signature in %s is by %s, which is none of the keys that count", SignatureFile, by)
}
