package drilltest

import "time"

// Hurry has what never comes be missed sooner, where it is known not to come.
func Hurry() { patience = 8 * time.Second }
