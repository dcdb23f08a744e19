package prober

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
)

// ask puts one statement to a store on a connection of its own. What the store
// refuses is in the detail of the report, as is a link that is silent.
func ask(ctx context.Context, o Order) (Report, error) {
	if len(o.Statement) == 0 {
		return Report{}, errors.New("it needs a statement")
	}
	u, err := url.Parse(o.Addr)
	if err != nil {
		return Report{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, o.Within)
	defer cancel()
	var answer string
	switch u.Scheme {
	case "postgres":
		answer, err = askPostgres(ctx, o.Addr, o.Statement)
	case "redis":
		answer, err = askRedis(ctx, o)
	default:
		return Report{}, fmt.Errorf("no client for %q", u.Scheme)
	}
	end, detail := endOf(err)
	return Report{Answer: answer, End: end, Detail: detail}, nil
}

// askPostgres gives the first column of the first row, if there is one.
func askPostgres(ctx context.Context, url string, statement []string) (answer string, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", err
	}
	args := make([]any, len(statement)-1)
	for i, arg := range statement[1:] {
		args[i] = arg
	}
	err = conn.QueryRow(ctx, statement[0], args...).Scan(&answer)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return answer, errors.Join(err, conn.Close(ctx))
}

func askRedis(ctx context.Context, o Order) (answer string, err error) {
	options, err := redis.ParseURL(o.Addr)
	if err != nil {
		return "", err
	}
	// By themselves, clients try again, and heed no deadline of others.
	options.MaxRetries, options.DialerRetries, options.ContextTimeoutEnabled = -1, 1, true
	options.DialTimeout = o.Within
	client := redis.NewClient(options)
	args := make([]any, len(o.Statement))
	for i, arg := range o.Statement {
		args[i] = arg
	}
	found, err := client.Do(ctx, args...).Result()
	if errors.Is(err, redis.Nil) {
		found, err = "", nil
	}
	return fmt.Sprint(found), errors.Join(err, client.Close())
}

func about(context.Context, Order) (Report, error) { return Report{Environ: os.Environ()}, nil }

func say(_ context.Context, o Order) (Report, error) {
	_, err := fmt.Println(strings.Join(o.Statement, " "))
	return Report{}, err
}

// burn keeps cores busy until its time is over.
func (p *Prober) burn(_ context.Context, o Order) (Report, error) {
	until := time.Now().Add(o.Within)
	for range o.Size {
		p.tasks.Go(func() {
			for time.Now().Before(until) && p.life.Err() == nil {
				continue // to be busy is all there is to do
			}
		})
	}
	return Report{}, nil
}

// page is written to once, so that the kernel has to find memory for it.
const page = 4096

func (p *Prober) eat(_ context.Context, o Order) (Report, error) {
	meal := make([]byte, o.Size)
	for i := 0; i < len(meal); i += page {
		meal[i] = 1
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.eaten = append(p.eaten, meal)
	return Report{}, nil
}

func deafen(context.Context, Order) (Report, error) {
	signal.Ignore(syscall.SIGTERM)
	return Report{}, nil
}

func exit(_ context.Context, o Order) (Report, error) {
	os.Exit(o.Size)
	return Report{}, nil
}
