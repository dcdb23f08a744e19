//go:build !no_task_check

package main

import "github.com/hibiken/asynq"

// setTaskCheck sets how often an empty queue is looked into.
func (s settings) setTaskCheck(config *asynq.Config) error {
	config.TaskCheckInterval = s.taskCheck
	return nil
}
