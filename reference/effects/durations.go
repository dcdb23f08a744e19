package effects

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Durations are measurements of one thing at this replica.
type Durations struct {
	What    string          `json:"what"`    // what was measured
	Subject string          `json:"subject"` // what it belongs to
	Took    []time.Duration `json:"took"`    // nanoseconds
}

// Measured tells the receiver of durations. Its errors are those of Report.
func (c *Client) Measured(ctx context.Context, d Durations) error {
	body, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("encode durations of %s: %w: %w", d.Subject, ErrRefused, err)
	}
	status, answer, err := c.call(ctx, http.MethodPost, "/v1/durations", body)
	switch {
	case err != nil:
		return fmt.Errorf("send durations of %s: %w", d.Subject, err)
	case status == http.StatusNoContent:
		return nil
	case refused(status):
		return fmt.Errorf("send durations of %s: %w: %d %s", d.Subject, ErrRefused, status, answer)
	}
	return fmt.Errorf("send durations of %s: answer %d %s", d.Subject, status, answer)
}
