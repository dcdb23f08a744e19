#!/bin/sh
# Starts a Docker engine that is installed and does not answer, if it can, and
# says in one line whether the docker substrate can be tested and drilled.
#   engine.sh         exit status 0 if one answers
#   engine.sh start   the same, after trying to start it
set -u

answers() { command -v docker >/dev/null && timeout 10 docker version >/dev/null 2>&1; }

start() {
	root=
	[ "$(id -u)" -eq 0 ] || root="sudo -n"
	# Whatever starts services here; without any, nobody else will end the engine.
	$root timeout 60 systemctl start docker >/dev/null 2>&1 || $root timeout 60 service docker start >/dev/null 2>&1 || true
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		answers && return
		sleep 1
	done
}

if ! answers && [ "${1:-}" = start ] && command -v dockerd >/dev/null; then
	start
fi
if answers; then
	echo "docker: engine $(docker version --format '{{.Server.Version}}') answers"
	exit 0
fi
echo "docker: NOT RUN: no Docker engine answers, so that nothing of the docker substrate was tested or drilled"
exit 1
