#!/bin/sh
# Starts Redis as the official image does: arguments alone are those of
# redis-server, and it runs as its own user. Other commands run as they are.
set -eu

case ${1-} in
-* | *.conf) set -- redis-server "$@" ;;
esac
[ "${1-}" = redis-server ] || exec "$@"

if [ "$(id -u)" = 0 ]; then
	chown -R redis:redis .
	exec setpriv --reuid=redis --regid=redis --clear-groups "$0" "$@"
fi
umask 077
shift
case ${1-} in
# What a file or the standard input does not say is for Redis to know.
*.conf | -) ;;
# The official image is built without protected mode, by which Redis refuses
# whoever comes from another machine without a password. Arguments can have it.
*) set -- --protected-mode no "$@" ;;
esac
exec redis-server "$@"
