package main

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/hibiken/asynq"
)

// logger puts what asynq logs among the host's own lines.
type logger struct{ log *slog.Logger }

var _ asynq.Logger = logger{}

func (l logger) Debug(args ...any) { l.log.Debug(fmt.Sprint(args...), "from", "asynq") }
func (l logger) Info(args ...any)  { l.log.Info(fmt.Sprint(args...), "from", "asynq") }
func (l logger) Warn(args ...any)  { l.log.Warn(fmt.Sprint(args...), "from", "asynq") }
func (l logger) Error(args ...any) { l.log.Error(fmt.Sprint(args...), "from", "asynq") }

// Fatal ends the process, as asynq asks of its logger.
func (l logger) Fatal(args ...any) {
	l.log.Error(fmt.Sprint(args...), "from", "asynq")
	os.Exit(1)
}
