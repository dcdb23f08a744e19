package manifest

import (
	"context"
	"fmt"

	"github.com/drillrun/drillrun/drills"
)

// checkImages wants every image to be there before anything is started.
func (s *System) checkImages(ctx context.Context, substrate drills.Substrate) error {
	specs := []*processSpec{&s.replica}
	for _, b := range s.brought {
		specs = append(specs, &b.processSpec)
	}
	for _, spec := range specs {
		if spec.image == "" {
			continue
		}
		imager, ok := substrate.(drills.Imager)
		if !ok {
			return fmt.Errorf("image %s: %w: images are run with --substrate docker", spec.image, drills.ErrUnsupported)
		}
		if err := imager.CheckImage(ctx, spec.image); err != nil {
			return spec.hint(err)
		}
	}
	return nil
}

// adopt has the substrate take in the project, if it runs already.
func (s *System) adopt(ctx context.Context, substrate drills.Substrate, replicas int) error {
	if s.compose == nil {
		return nil
	}
	adopter, ok := substrate.(drills.Adopter)
	if !ok {
		return fmt.Errorf("compose project %s: %w: projects are drilled with --substrate docker", s.compose.project, drills.ErrUnsupported)
	}
	p := drills.Project{Name: s.compose.project, Service: s.replica.service, Replicas: replicas, Witness: s.compose.witness}
	for _, b := range s.brought {
		p.Stores = append(p.Stores, b.service)
	}
	return adopter.Adopt(ctx, p)
}

// hint adds what the manifest says to do about something that is missing.
func (s *processSpec) hint(err error) error {
	if s.missing == "" {
		return err
	}
	return fmt.Errorf("%w; the manifest says: %s", err, s.missing)
}
