//go:build no_task_check

package main

import (
	"errors"

	"github.com/hibiken/asynq"
)

// setTaskCheck refuses what asynq cannot be told before v0.25. The releases in
// bugs are all built so, the newer too: they differ in asynq alone.
func (s settings) setTaskCheck(*asynq.Config) error {
	if s.taskCheck != 0 {
		return errors.New("-task-check-interval: asynq has it from v0.25 on")
	}
	return nil
}
