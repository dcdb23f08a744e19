package engine

import "fmt"

// survive makes a panic an error: nothing that a drill is made of may end the
// harness before it has healed.
func survive(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("it panicked: %v", r)
		}
	}()
	return f()
}
