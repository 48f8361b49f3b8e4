#!/usr/bin/env bash
# tool.sh NAME: print the path of a tool of exactly the version written here; fetched once into .tools/ where the PATH
# has another or none. What is fetched is used only when its checksum is the one below.
set -euo pipefail

fail() { echo "tool: $1" >&2; exit 1; }

case ${1:-} in
    gitleaks)
        version=8.30.1 repository=gitleaks/gitleaks file=gitleaks_8.30.1_linux_x64.tar.gz
        sum=551f6fc83ea457d62a0d98237cbad105af8d557003051f41f3e7ca7b3f2470eb ;;
    trivy)
        version=0.74.0 repository=aquasecurity/trivy file=trivy_0.74.0_Linux-64bit.tar.gz
        sum=2ae6fe3ee734b7fdf11335663e18c75ea12dccc76062f09f164a3b0f8be4371a ;;
    *) echo "usage: tool.sh gitleaks | trivy" >&2; exit 2 ;;
esac
name=$1 kept=.tools/$name-$version

is_wanted() { "$1" --version 2>/dev/null | grep -Eq "(^|[^0-9.])$version($|[^0-9.])"; }
sha256() { if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -c1-64; }

if found=$(command -v "$name") && is_wanted "$found"; then echo "$found"; exit; fi
if [ -x "$kept" ]; then echo "$PWD/$kept"; exit; fi
[ "$(uname -sm)" = "Linux x86_64" ] ||
    fail "$name $version is fetched for Linux on x86-64 alone; install that version yourself, so that it is on the PATH"

mkdir -p .tools
scratch=$(mktemp -d ".tools/.$name.new-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
url=${TOOLS_URL:-https://github.com}/$repository/releases/download/v$version/$file
case $url in
    https://* | http://127.0.0.1[:/]*) ;;
    *) fail "TOOLS_URL must begin with https://" ;;
esac
echo "fetching $name $version" >&2
curl --fail --silent --show-error --location --proto-redir '=https' --retry 3 --max-time 300 --output "$scratch/$file" "$url" ||
    fail "$name $version could not be fetched from $url"
fetched=$(sha256 "$scratch/$file")
[ "$fetched" = "$sum" ] || fail "$url has the checksum $fetched, not $sum; it is not used, and nothing of it was kept"
tar -xzf "$scratch/$file" -C "$scratch" "$name"
chmod +x "$scratch/$name"
mv "$scratch/$name" "$kept"
echo "$PWD/$kept"
