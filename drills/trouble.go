package drills

import (
	"errors"
	"syscall"
)

// Short says whether an error is for want of what this process itself, or its
// machine, has too little of: file descriptors, memory, ports. What fails so is no
// fault of the other side's.
func Short(err error) bool {
	for _, want := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOBUFS, syscall.EADDRNOTAVAIL} {
		if errors.Is(err, want) {
			return true
		}
	}
	return false
}
