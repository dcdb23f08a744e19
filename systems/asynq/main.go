// Command asynq is a small host for the task queue github.com/hibiken/asynq, as
// something that drillrun can drill: every replica is a client and a server of
// asynq in one. It takes jobs by HTTP, enqueues them, works on them and reports
// their effects to the witness of the drill.
//
//	POST /jobs ── Enqueue, TaskID(key) ──▶ Redis ── ProcessTask ──▶ witness, key
//
// Where it listens, where Redis and the witness are, is in its environment, as
// system.yaml sets it; what asynq is set up with is in its flags. Without flags
// asynq runs as shipped.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/hibiken/asynq"
)

// answerTime bounds the requests that are under way when the host is told to
// stop.
const answerTime = 2 * time.Second

func main() {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := start(log); err != nil {
		log.Error("the host ends", "error", err)
		os.Exit(1)
	}
}

// start runs the host until it is told to stop.
func start(log *slog.Logger) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	set, err := readSettings(os.Args[1:], os.LookupEnv)
	if err != nil {
		return err
	}
	return run(ctx, set, log)
}

// run serves until ctx ends. Then it takes no more jobs, and leaves it to asynq
// to finish those at hand or to give them back.
func run(ctx context.Context, set settings, log *slog.Logger) error {
	config, err := set.config(log)
	if err != nil {
		return err
	}
	queue := openQueue(set)
	workers := asynq.NewServer(set.redis, config)
	if err := workers.Start(newWorker(set, log)); err != nil {
		return errors.Join(fmt.Errorf("start the server of asynq: %w", err), queue.close())
	}
	err = serve(ctx, set.listen, newAPI(queue, log))
	workers.Shutdown()
	return errors.Join(err, queue.close())
}

// serve answers requests until ctx ends, or until it cannot.
func serve(ctx context.Context, addr string, handler http.Handler) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("listen at LISTEN: %w", err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: answerTime}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTime)
	defer cancel()
	err = server.Shutdown(ending)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close() // clients whose connection ends ask the next replica
	}
	<-ended
	return err
}
