#!/bin/sh
# Installs what the local substrate needs and the machine lacks: Postgres 15 or
# newer and Redis 7 or newer; and the programs that are named, which are packages
# of that name. Does nothing where they are there already.
set -eu

have_postgres() {
	for bin in $(command -v postgres || true) /usr/lib/postgresql/*/bin/postgres /usr/pgsql-*/bin/postgres; do
		[ -x "$bin" ] || continue
		major=$("$bin" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
		[ "$major" -ge 15 ] && return 0
	done
	return 1
}

have_redis() {
	command -v redis-server >/dev/null || return 1
	major=$(redis-server --version | sed 's/.*v=\([0-9]*\).*/\1/')
	[ "$major" -ge 7 ]
}

if ! command -v go >/dev/null; then
	echo "deps: Go is missing: install Go 1.26 or newer from https://go.dev/dl/" >&2
	exit 1
fi

missing=
have_postgres || missing="$missing postgresql"
have_redis || missing="$missing redis-server"
for program in "$@"; do
	command -v "$program" >/dev/null || missing="$missing $program"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
	echo "deps: missing:$missing. Install them with your package manager:" >&2
	echo "  Fedora, RHEL:  dnf install postgresql-server redis" >&2
	echo "  Alpine:        apk add postgresql redis" >&2
	echo "  Arch:          pacman -S postgresql redis" >&2
	exit 1
fi

root=
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "deps: missing:$missing. Run as root: apt-get install$missing" >&2
		exit 1
	fi
	root=sudo
fi

# The packages would start system services, which no drill uses: Debian's
# policy-rc.d keeps them from it while they are being installed.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' | $root tee "$policy" >/dev/null
	$root chmod 755 "$policy"
	trap '$root rm -f "$policy"' EXIT INT TERM
fi

echo "deps: installing$missing" >&2
$root apt-get update -qq
# shellcheck disable=SC2086 # a list of words
$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null

have_postgres && have_redis && exit 0
echo "deps: the packages of this distribution are too old: Postgres 15 and Redis 7 are needed" >&2
exit 1
