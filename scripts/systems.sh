#!/bin/sh
# Builds the hosts of the systems that others wrote, each from its own module: with
# the release that it is drilled with, and with those that a bug came and went with.
set -eu
cd "$(dirname "$0")/../systems"

export CGO_ENABLED=0
for system in */; do
	name=${system%/}
	(cd "$name" && go build -trimpath -o "bin/$name" .)
	for module in "$name"/bugs/*/go.mod; do
		release=$(basename "$(dirname "$module")")
		tags=$(sed -n 's|^// build tags: ||p' "$module")
		(cd "$name" && go build -trimpath -tags "$tags" -modfile="bugs/$release/go.mod" -o "bin/$name-$release" .)
	done
done
