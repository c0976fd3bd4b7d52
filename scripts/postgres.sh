#!/bin/sh
# Sees to it that the tests find a PostgreSQL: the one that
# INVITATIONS_TEST_DATABASE_URL names, server binaries that are installed, or the package
# manager's. It says what to do where it cannot. PgBouncer, which one test asks for,
# is installed in CI alone: it would start a service.
set -eu

[ -n "${INVITATIONS_TEST_DATABASE_URL:-}" ] && exit 0

found() {
	command -v initdb >/dev/null 2>&1 && return 0
	for folder in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/local/pgsql/bin /usr/local/opt/postgresql*/bin \
		/opt/homebrew/opt/postgresql*/bin /opt/local/lib/postgresql*/bin /usr/libexec/postgresql*; do
		[ -x "$folder/initdb" ] && return 0
	done
	return 1
}
as_root=
[ "$(id -u)" = 0 ] || as_root="sudo -n"

pooler() {
	[ -z "${CI:-}" ] || command -v pgbouncer >/dev/null 2>&1 || [ -x /usr/sbin/pgbouncer ] || ! command -v apt-get >/dev/null 2>&1 ||
		{ $as_root apt-get update -qq && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq pgbouncer >/dev/null; } || true
}

if found; then
	pooler
	exit 0
fi

echo "No PostgreSQL server is installed; installing one." >&2
if command -v apt-get >/dev/null 2>&1; then
	# The packages would start a server of their own, which nobody needs here.
	$as_root apt-get update -qq && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null
elif command -v apk >/dev/null 2>&1; then
	$as_root apk add --quiet postgresql
elif command -v dnf >/dev/null 2>&1; then
	$as_root dnf install -y -q postgresql-server
elif command -v pacman >/dev/null 2>&1; then
	$as_root pacman -S --noconfirm --quiet postgresql
elif command -v brew >/dev/null 2>&1; then
	brew install --quiet postgresql
fi || true

found || {
	echo "Cannot install PostgreSQL here. Install the server of version 14 or later (initdb, pg_ctl and postgres," >&2
	echo "in PATH or the usual folder), or set INVITATIONS_TEST_DATABASE_URL to a database that tests may use." >&2
	exit 1
}
pooler
