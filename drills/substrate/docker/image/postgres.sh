#!/bin/sh
# Starts Postgres as the official image does, from the same environment:
# POSTGRES_PASSWORD, POSTGRES_USER, POSTGRES_DB (each also as ..._FILE),
# POSTGRES_INITDB_ARGS, POSTGRES_HOST_AUTH_METHOD, PGDATA.
set -eu

# setting NAME DEFAULT: the variable, or what is in the file that NAME_FILE names.
setting() {
	eval "value=\${$1-} file=\${$1_FILE-}"
	if [ -n "$value" ] && [ -n "$file" ]; then
		echo "error: both $1 and $1_FILE are set" >&2
		exit 1
	fi
	[ -z "$file" ] || value=$(cat "$file")
	eval "$1=\${value:-\$2}"
	unset "$1_FILE"
}

# identifier NAME: the name in quotes, as SQL wants it.
identifier() {
	rest=$1 quoted=
	while [ "$rest" != "${rest#*\"}" ]; do
		quoted=$quoted${rest%%\"*}'""' rest=${rest#*\"}
	done
	printf '"%s"' "$quoted$rest"
}

# new is where the data come to be, in the same volume, and done the file that says
# that they are complete. PG_VERSION, by which a server is known to have data, is the
# last that leaves it: whoever is killed at any moment leaves all or nothing behind.
new=.drillrun-new
done=$new/.complete

# initialise makes the data folder, or goes on where moving it was broken off.
initialise() {
	mkdir -p "$PGDATA"
	chmod 700 "$PGDATA"
	if [ ! -e "$PGDATA/$done" ]; then
		rm -rf "${PGDATA:?}/$new"
		for entry in "$PGDATA"/* "$PGDATA"/.[!.]*; do
			[ -e "$entry" ] || continue
			echo "error: $PGDATA has files, but no data of Postgres: empty it" >&2
			exit 1
		done
		create "$PGDATA/$new"
		: >"$PGDATA/$done"
	fi
	for entry in "$PGDATA/$new"/*; do
		[ "$entry" = "$PGDATA/$new/PG_VERSION" ] || mv "$entry" "$PGDATA/"
	done
	mv "$PGDATA/$new/PG_VERSION" "$PGDATA/"
}

# create FOLDER makes the data. Nobody can connect before all is there: neither initdb
# nor a server for a single user listens anywhere.
create() {
	data=$1
	setting POSTGRES_PASSWORD ''
	setting POSTGRES_USER postgres
	setting POSTGRES_DB "$POSTGRES_USER"
	method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
	if [ -z "$POSTGRES_PASSWORD" ] && [ "$method" != trust ]; then
		echo 'error: no password: set POSTGRES_PASSWORD, or POSTGRES_HOST_AUTH_METHOD=trust to let everybody in' >&2
		exit 1
	fi
	set -- --pgdata="$data" --username="$POSTGRES_USER" --auth=trust --locale=C --encoding=UTF8 --no-sync
	if [ -n "$POSTGRES_PASSWORD" ]; then
		# Through a pipe: arguments can be seen by everybody.
		printf '%s\n' "$POSTGRES_PASSWORD" |
			eval 'initdb "$@" --pwfile=/dev/stdin '"${POSTGRES_INITDB_ARGS-}"
	else
		eval 'initdb "$@" '"${POSTGRES_INITDB_ARGS-}"
	fi
	echo "host all all all $method" >>"$data/pg_hba.conf"
	echo "listen_addresses = '*'" >>"$data/postgresql.conf"
	if [ "$POSTGRES_DB" != postgres ]; then
		echo "CREATE DATABASE $(identifier "$POSTGRES_DB")" |
			postgres --single -F -c exit_on_error=on -D "$data" postgres >/dev/null
	fi
}

case ${1-} in
-*) set -- postgres "$@" ;;
esac
[ "${1-}" = postgres ] || exec "$@"
for argument; do
	case $argument in
	-\? | --help | --describe-config | -V | --version) exec "$@" ;;
	esac
done

if [ "$(id -u)" = 0 ]; then
	# Postgres refuses to be root: once more, as its own user.
	mkdir -p "$PGDATA"
	chown -R postgres:postgres "$PGDATA"
	chmod 700 "$PGDATA"
	exec setpriv --reuid=postgres --regid=postgres --clear-groups "$0" "$@"
fi
[ -s "$PGDATA/PG_VERSION" ] || initialise
rm -rf "${PGDATA:?}/$new"
# The server becomes process 1. A lock file that a killed one left behind names
# process 1, too, which no server takes for another.
exec "$@"
