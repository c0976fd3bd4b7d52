#!/bin/sh
# Installs a PostgreSQL server and the program sqlite3 for the tests if there is none. If it cannot
# install the server, it says how to get one.
# It installs PgBouncer, for tests of pgstore, only in CI: the package starts a service.
set -eu
cd "$(dirname "$0")/.."

as_root=
[ "$(id -u)" = 0 ] || as_root="sudo -n"

apt() {
	$as_root apt-get update -qq && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null
}

if ! go run ./internal/withpg -check 2>/dev/null; then
	echo "No PostgreSQL server is installed; installing one." >&2
	if command -v apt-get >/dev/null 2>&1; then
		apt postgresql
	elif command -v apk >/dev/null 2>&1; then
		$as_root apk add --quiet postgresql
	elif command -v dnf >/dev/null 2>&1; then
		$as_root dnf install -y -q postgresql-server
	elif command -v pacman >/dev/null 2>&1; then
		$as_root pacman -S --noconfirm --quiet postgresql
	elif command -v brew >/dev/null 2>&1; then
		brew install --quiet postgresql
	fi || true
	go run ./internal/withpg -check
fi

# One test applies the migrations of sqlitestore with this program.
if ! command -v sqlite3 >/dev/null 2>&1; then
	echo "The program sqlite3 is not installed; installing it." >&2
	if command -v apt-get >/dev/null 2>&1; then
		apt sqlite3
	elif command -v apk >/dev/null 2>&1; then
		$as_root apk add --quiet sqlite
	elif command -v dnf >/dev/null 2>&1; then
		$as_root dnf install -y -q sqlite
	elif command -v pacman >/dev/null 2>&1; then
		$as_root pacman -S --noconfirm --quiet sqlite
	elif command -v brew >/dev/null 2>&1; then
		brew install --quiet sqlite
	fi
fi

if [ -n "${CI:-}" ] && ! command -v pgbouncer >/dev/null 2>&1 && [ ! -x /usr/sbin/pgbouncer ] && command -v apt-get >/dev/null 2>&1; then
	apt pgbouncer || true
fi
