package manifest

import (
	"context"
	"fmt"
	"slices"

	"github.com/drillrun/drillrun/drills"
)

// readingClient can ask one replica what became of a job, too.
type readingClient struct {
	*client
	spec *readSpec
}

var _ drills.Reader = readingClient{}

// Read asks for the state of a job. An answer of which the manifest does not say what
// it means is none.
func (c readingClient) Read(ctx context.Context, key, subject string) (drills.JobState, error) {
	state, err := c.state(ctx, key, subject)
	if err != nil {
		return "", fmt.Errorf("read job %s: %w", key, err)
	}
	return state, nil
}

func (c readingClient) state(ctx context.Context, key, subject string) (drills.JobState, error) {
	status, text, err := c.call(ctx, c.spec.request, map[string]string{keyVariable: key, subjectVariable: subject})
	switch {
	case err != nil:
		return "", err
	case slices.Contains(c.spec.unknown, status):
		return drills.JobUnknown, nil
	case status < 200 || status > 299:
		return "", fmt.Errorf("answer %d %s", status, text)
	}
	answer, err := parseAnswer(text)
	if err != nil {
		return "", err
	}
	word, err := c.spec.state.of(answer)
	switch {
	case err != nil:
		return "", err
	case word == "":
		return "", fmt.Errorf("the answer %.200s has no state where the manifest says", text)
	case slices.Contains(c.spec.done, word):
		return drills.JobDone, nil
	case slices.Contains(c.spec.dead, word):
		return drills.JobDead, nil
	}
	return drills.JobOpen, nil
}
