package defects

import "github.com/drillrun/drillrun/reference/controlplane"

// roleExitZero tells of an invalid role and ends as if its work were done.
func roleExitZero() Defect {
	return Defect{
		Name:      "role-exit-zero",
		Wrong:     "a replica that refuses its role exits with status 0",
		Origin:    cloudReview,
		Symptom:   "a supervisor takes a replica that never started for one that is done",
		Gate:      "exit_zero",
		Scenarios: []string{"wrong-role"},
		Break:     func(controlplane.Config, controlplane.Deps, *controlplane.Parts) {},
		Exit: func(code int) int {
			if code == controlplane.ExitConfig {
				return 0
			}
			return code
		},
	}
}
