#!/bin/sh
# Sees to it that the tests of the team app find Chromium and axe-core, which checks pages for
# people who use a keyboard or a screen reader.
set -eu
cd "$(dirname "$0")/.."

as_root=
[ "$(id -u)" = 0 ] || as_root="sudo -n"

found=
for name in chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable chrome; do
	command -v "$name" >/dev/null 2>&1 && found=yes
done
if [ -z "$found" ]; then
	echo "No Chromium is installed; installing one." >&2
	if command -v apt-get >/dev/null 2>&1; then
		$as_root apt-get update -qq && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium-headless-shell >/dev/null ||
			$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null
	elif command -v apk >/dev/null 2>&1; then
		$as_root apk add --quiet chromium
	elif command -v dnf >/dev/null 2>&1; then
		$as_root dnf install -y -q chromium
	elif command -v brew >/dev/null 2>&1; then
		brew install --quiet --cask chromium
	fi
fi

axe=examples/teamapp/testdata/axe.min.js
if [ ! -s "$axe" ]; then
	folder=$(mktemp -d)
	trap 'rm -rf "$folder"' EXIT
	npm pack --silent --pack-destination "$folder" axe-core@4.14.1 >/dev/null
	tar -xzf "$folder"/*.tgz -C "$folder"
	mkdir -p "$(dirname "$axe")"
	cp "$folder/package/axe.min.js" "$axe"
fi
