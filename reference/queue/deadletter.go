package queue

import (
	"context"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// read turns messages into entries. What is no entry goes to the dead letters;
// where that fails it stays pending and comes again.
func (s *Stream) read(ctx context.Context, messages []redis.XMessage) []Entry {
	entries := make([]Entry, 0, len(messages))
	for _, m := range messages {
		text, _ := m.Values[jobField].(string)
		job, err := strconv.ParseInt(text, 10, 64)
		if err == nil {
			entries = append(entries, Entry{ID: m.ID, Job: job})
			continue
		}
		if err := s.bury(ctx, m.ID, "no job id", m.Values); err != nil {
			s.log.Error("malformed entry stays pending", "entry", m.ID, "err", err)
		}
	}
	return entries
}

// Reject moves an entry to the dead letters of the stream.
func (s *Stream) Reject(ctx context.Context, e Entry, reason string) error {
	return s.bury(ctx, e.ID, reason, map[string]any{jobField: e.Job})
}

// bury moves an entry to the dead letters by one transaction.
func (s *Stream) bury(ctx context.Context, id, reason string, values map[string]any) error {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	_, err := s.redis.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.XAdd(ctx, &redis.XAddArgs{Stream: MalformedKey, Values: map[string]any{
			"entry": id, "reason": reason, "values": fmt.Sprint(values),
		}})
		p.XAck(ctx, s.key, GroupName, id)
		p.XDel(ctx, s.key, id)
		return nil
	})
	if err != nil {
		return fmt.Errorf("dead-letter entry %s: %w", id, err)
	}
	s.log.Error("entry dead-lettered", "entry", id, "reason", reason)
	return nil
}
