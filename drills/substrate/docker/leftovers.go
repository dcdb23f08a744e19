package docker

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	containerapi "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/drillrun/drillrun/drills"
)

// leftovers are what the harness of one lock file has made.
type leftovers struct {
	containers, networks, volumes []string // ids, of volumes names
	projects                      []before // that had been adopted
	origin                        origin
	running                       int // of the containers
}

func (l leftovers) String() string {
	return fmt.Sprintf("%d containers, %d networks and %d volumes", len(l.containers), len(l.networks), len(l.volumes))
}

// empty says whether nothing is left.
func (l leftovers) empty() bool { return len(l.containers)+len(l.networks)+len(l.volumes) == 0 }

// discovery is everything with our labels, by lock file.
type discovery struct {
	key     key
	left    map[string]leftovers
	strange map[string][]string // what bears our labels, and not our seal
}

// listing bounds what the engine may take to list something.
const listing = 10 * time.Second

// find looks for everything with our labels. What has not been sealed with the
// user's key is strange: its labels may say anything.
func find(ctx context.Context, engine *client.Client) (*discovery, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, listing, errSilent)
	defer cancel()
	ours := make(client.Filters).Add("label", labelLock)
	d := &discovery{key: knownKey(), left: map[string]leftovers{}, strange: map[string][]string{}}
	containers, err := engine.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: ours})
	if err != nil {
		return nil, fmt.Errorf("look for containers of dead runs: %w", why(ctx, err))
	}
	for _, c := range containers.Items {
		d.addContainer(c)
	}
	networks, err := engine.NetworkList(ctx, client.NetworkListOptions{Filters: ours})
	if err != nil {
		return nil, fmt.Errorf("look for networks of dead runs: %w", why(ctx, err))
	}
	for _, n := range networks.Items {
		d.add("network "+n.Name, n.Labels, func(l *leftovers) { l.networks = append(l.networks, n.ID) })
	}
	volumes, err := engine.VolumeList(ctx, client.VolumeListOptions{Filters: ours})
	if err != nil {
		return nil, fmt.Errorf("look for volumes of dead runs: %w", why(ctx, err))
	}
	for _, v := range volumes.Items {
		d.add("volume "+v.Name, v.Labels, func(l *leftovers) { l.volumes = append(l.volumes, v.Name) })
	}
	return d, nil
}

// add notes something, if its labels can be believed.
func (d *discovery) add(what string, labels map[string]string, note func(*leftovers)) {
	var by origin
	if !d.key.made(labels) || json.Unmarshal([]byte(labels[labelOrigin]), &by) != nil {
		d.doubt(what, labels)
		return
	}
	left := d.left[labels[labelLock]]
	left.origin = by
	note(&left)
	d.left[labels[labelLock]] = left
}

// addContainer knows a container by its name, too: an image that was made of a
// container of ours has its labels, and so have the containers of that.
func (d *discovery) addContainer(c containerapi.Summary) {
	what := "container " + c.ID[:min(12, len(c.ID))]
	if len(c.Names) > 0 {
		what = "container " + strings.TrimPrefix(c.Names[0], "/")
	}
	var was before
	name := containerName(c.Labels[labelDrill], c.Labels[labelName])
	if label := c.Labels[labelProject]; label != "" {
		var err error
		if was, err = readBefore(label); err != nil {
			d.doubt(what, c.Labels)
			return
		}
		name = projectTitle(was.Project)
	}
	if !slices.Contains(c.Names, "/"+name) {
		d.doubt(what, c.Labels)
		return
	}
	d.add(what, c.Labels, func(l *leftovers) {
		l.containers = append(l.containers, c.ID)
		if c.State == containerapi.StateRunning || c.State == containerapi.StatePaused || c.State == containerapi.StateRestarting {
			l.running++
		}
		if was.Project != "" {
			l.projects = append(l.projects, was)
		}
	})
}

func (d *discovery) doubt(what string, labels map[string]string) {
	d.strange[labels[labelLock]] = append(d.strange[labels[labelLock]], what)
}

// alone says what is strange, at these places or at all.
func (d *discovery) alone(places ...string) error {
	var all []string
	for place, some := range d.strange {
		if len(places) == 0 || slices.Contains(places, place) {
			all = append(all, some...)
		}
	}
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	return &drills.LeftAlone{What: fmt.Sprintf(
		"%d with labels of drillrun that this user's drillrun on this machine has not made, such as %q: `docker ps -a --filter label=%s` lists the containers",
		len(all), all[0], labelLock)}
}
