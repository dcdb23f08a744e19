// Command controlplane runs one replica of the reference control plane. It is
// configured by its environment: see package controlplane.
package main

import (
	"context"
	"os"

	"github.com/drillrun/drillrun/reference/controlplane"
)

func main() {
	os.Exit(controlplane.Main(context.Background(), os.Getenv, os.Stdout, os.Stderr))
}
