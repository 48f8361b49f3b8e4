#!/usr/bin/env bash
# The image that serves models/bundle: built, kept as one file, scanned, and copied to registries. smoke.sh runs it.
# `cd4ml build-image` and its neighbours call this in the project's folder.
#
#   build            build $IMAGE in the engine
#   archive          build it, and keep it as build/image.tar: what is scanned and what is published
#   sbom             write build/sbom.json, the Python packages in the image
#   scan             reject critical vulnerabilities that a newer version fixes
#   publish NAME...  copy exactly build/image.tar to every REGISTRY/NAME:TAG
#
# ARCHIVE_SHA256, if it is set, is the checksum of the right archive; any other one is rejected.
# ACCEPT_FINDINGS="CVE-2026-1234 ..." lets these pass, NO_DATABASE=accepted an image that nobody scanned.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

archive=build/image.tar bundle=models/bundle/bundle.json
docker=${DOCKER:-docker} image=${IMAGE:-$CD4ML_NAME} uv=${UV:-uv}
verb=${1:-} scratch=
case ${image##*/} in *:*) ;; *) image=$image:latest ;; esac    # to save a name without a tag is to save all its tags
case $verb in sbom) command=list-packages ;; *) command=$verb-image ;; esac    # as cd4ml calls it

fail() { echo "$command: $1" >&2; exit 1; }
output() { [ -z "${GITHUB_OUTPUT:-}" ] || echo "$1=$2" >>"$GITHUB_OUTPUT"; }
summary() { echo "$1"; [ -z "${GITHUB_STEP_SUMMARY:-}" ] || echo "$1" >>"$GITHUB_STEP_SUMMARY"; }
told() { sed -n "s/^ \"$1\": \"\(.*\)\",\{0,1\}$/\1/p" "$bundle"; }    # a text of bundle.json
tidy() { [ -z "$scratch" ] || rm -rf "$scratch"; }

make_scratch() {    # a folder of this process, and none of those that were killed
    local left
    for left in build/.image.new-*; do
        kill -0 "${left##*-}" 2>/dev/null || rm -rf "$left"
    done
    trap tidy EXIT
    scratch=build/.image.new-$$
    mkdir -p "$scratch"
}

need_bundle() { [ -f "$bundle" ] || fail "no bundle in models/bundle; run make train"; }
need_skopeo() {
    command -v skopeo >/dev/null ||
        fail "skopeo is not here, which copies images: apt-get install skopeo, or brew install skopeo"
    # Who has logged in with docker is logged in.
    if [ -z "${REGISTRY_AUTH_FILE:-}" ] && [ -f "${DOCKER_CONFIG:-/nowhere}/config.json" ]; then
        export REGISTRY_AUTH_FILE="$DOCKER_CONFIG/config.json"
    fi
}

sha256() { if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi | cut -c1-64; }
digest() { echo "sha256:$(skopeo inspect --raw "$1" "${@:2}" | sha256)"; }    # of the image, in every registry

need_archive() {    # the archive is there, and the one that is meant
    [ -f "$archive" ] || fail "no $archive; run uv run cd4ml archive-image"
    sum=$(sha256 "$archive")
    [ "${ARCHIVE_SHA256:-$sum}" = "$sum" ] ||
        fail "$archive is another than the one that was built: its sha256 is $sum, ARCHIVE_SHA256 is $ARCHIVE_SHA256"
}

extras() { # what the bundle's runtime and the prediction log need
    if [ "$(told runtime)" = sklearn ]; then echo "--extra sklearn"; fi
    if [ -n "${CD4ML_LOG_EXTRA:-}" ]; then echo "--extra $CD4ML_LOG_EXTRA"; fi
}

version() {    # as the bundle says it itself
    local until digest
    until=$(told until) digest=$(told digest)
    echo "${until:-v}.${digest:0:7}"
}

build() {
    need_bundle
    "$CD4ML_PYTHON" -m cd4ml check-bundle || exit 1
    local server=${GITHUB_SERVER_URL:-https://github.com}
    local source=${CD4ML_REPOSITORY:-} base digest=
    [ -z "${GITHUB_REPOSITORY:-}" ] || source=$server/$GITHUB_REPOSITORY
    base=$(sed -n 's/^FROM \(.*\) AS base$/\1/p' Dockerfile)
    case $base in
        *@*) digest=${base#*@} ;;
        ?*) echo "build-image: $base is not pinned by its digest: uv run cd4ml pin-image" >&2 ;;
    esac
    # An attestation beside it would make two digests of one image.
    DOCKER_BUILDKIT=1 BUILDX_NO_DEFAULT_ATTESTATIONS=1 "$docker" build --tag "$image" \
        --build-arg EXTRAS="$(extras | xargs)" --build-arg VERSION="$(version)" --build-arg BUNDLE="$(told digest)" \
        --build-arg SOURCE="$source" \
        ${base:+--label org.opencontainers.image.base.name="${base%%@*}"} \
        ${digest:+--label org.opencontainers.image.base.digest="$digest"} \
        --build-arg REVISION="$(git rev-parse --verify --quiet HEAD 2>/dev/null || true)" .
}

archive() {
    need_bundle
    need_skopeo
    build
    make_scratch
    "$docker" save --output "$scratch/saved.tar" "$image"
    # An OCI archive has its layers compressed already, so that its digest is the one that registries will name.
    skopeo copy --quiet "docker-archive:$scratch/saved.tar" "oci-archive:$scratch/image.tar"
    mv "$scratch/image.tar" "$archive"
    local sum name
    sum=$(sha256 "$archive") name=$(digest "oci-archive:$archive")
    echo "archive  $archive, $(($(wc -c <"$archive") / 1000000)) MB"
    echo "bundle   $(version)"
    echo "sha256   $sum"
    echo "digest   $name"
    echo "next: uv run cd4ml scan-image, then uv run cd4ml publish-image REGISTRY/NAME:TAG"
    output sha256 "$sum"
    output digest "$name"
    output version "$(version)"
}

sbom() {
    need_bundle
    make_scratch
    # shellcheck disable=SC2046 # two words for each extra
    "$uv" export --quiet --format cyclonedx1.5 --locked --no-default-groups $(extras) \
        --output-file "$scratch/sbom.json" ||
        fail "uv could not list the packages; if uv.lock is out of date, run uv lock"
    mv "$scratch/sbom.json" build/sbom.json
    echo "wrote build/sbom.json: $(grep -c '"purl": "pkg:pypi/' build/sbom.json) Python packages"
}

scan() {
    need_archive
    local trivy open
    trivy=$("$here/tool.sh" trivy)
    make_scratch
    export TRIVY_SKIP_VERSION_CHECK=true TRIVY_DISABLE_TELEMETRY=true
    if ! "$trivy" image --no-progress --download-db-only; then
        [ "${NO_DATABASE:-}" = accepted ] ||
            fail "there is no database of vulnerabilities to look in; run it again, or let it pass: NO_DATABASE=accepted"
        summary "scan-image: **not scanned**: there was no database of vulnerabilities, which NO_DATABASE=accepted lets pass"
        return
    fi
    : >"$scratch/ignored"    # nothing: what is let pass is said in ACCEPT_FINDINGS
    mkdir "$scratch/layout"
    tar -xf "$archive" -C "$scratch/layout"
    open=()
    examine build/scan.json python-pkg "$archive, sha256 $sum" --input "$scratch/layout"
    if [ -n "${CD4ML_SIDECAR:-}" ]; then    # what the platform runs before the service, by its digest
        examine build/scan-sidecar.json gobinary "$CD4ML_SIDECAR" --image-src remote "$CD4ML_SIDECAR"
    fi
    [ ${#open[@]} = 0 ] ||
        fail "take newer versions (uv lock --upgrade, the base image, or a newer cd4ml/), or let it pass: ACCEPT_FINDINGS=\"${open[*]}\""
}

examine() {    # REPORT TYPE WHAT TRIVY-ARGUMENTS...: look into one image, whose packages of that type trivy has to see
    local report=$1 type=$2 what=$3 status=0
    "$trivy" image --no-progress "${@:4}" --skip-db-update --scanners vuln --severity CRITICAL \
        --ignore-unfixed --ignorefile "$scratch/ignored" --list-all-pkgs --exit-code 3 \
        --format json --output "$scratch/scan.json" || status=$?
    case $status in 0 | 3) ;; *) fail "trivy failed (exit code $status), so $what counts as not scanned" ;; esac
    grep -q "\"Type\": *\"$type\"" "$scratch/scan.json" ||
        fail "trivy saw nothing of the type $type in $what, so it looked at something else"
    mv "$scratch/scan.json" "$report"
    [ $status = 0 ] || "$trivy" convert --quiet --format table "$report" || true
    judge $status "$report" "$what"
}

judge() {    # STATUS REPORT WHAT: add to `open` what the report names and nobody accepts
    local found id rejected=() passed=()
    found=$(grep -o '"VulnerabilityID": *"[^"]*"' "$2" | cut -d '"' -f 4 | sort -u) || true
    [ "$1" = 0 ] || [ -n "$found" ] || fail "trivy says that it found something, and $2 does not name it"
    for id in $found; do
        case " ${ACCEPT_FINDINGS:-} " in *" $id "*) passed+=("$id") ;; *) rejected+=("$id") ;; esac
    done
    [ ${#passed[@]} = 0 ] || summary "scan-image: **accepted by name**: ${passed[*]}"
    if [ ${#rejected[@]} = 0 ]; then
        summary "scan-image: nothing critical that can be fixed in $3"
    else
        summary "scan-image: **rejected**: critical, and fixed by a newer version, in $3: ${rejected[*]}"
        for id in "${rejected[@]}"; do
            case " ${open[*]-} " in *" $id "*) ;; *) open+=("$id") ;; esac
        done
    fi
}

need_names() {    # NAME...: whole names, so that nothing is pushed where nobody meant
    [ $# -gt 0 ] || fail "say where to: cd4ml publish-image REGISTRY/NAME:TAG"
    local name
    for name; do
        [[ $name =~ ^(localhost|[a-z0-9-]+\.[a-z0-9.-]+)(:[0-9]+)?(/[a-z0-9._-]+)+:[A-Za-z0-9_][A-Za-z0-9_.-]*$ ]] ||
            fail "\"$name\" is no image's name; write REGISTRY/NAME:TAG, small letters but for the tag: ghcr.io/me/model:1"
    done
}

publish() {
    local name names=()
    for name; do    # an owner on GitHub may have capitals, a registry knows none
        names+=("$(printf '%s' "${name%:*}" | tr '[:upper:]' '[:lower:]'):${name##*:}")
    done
    set -- ${names[@]+"${names[@]}"}
    need_names "$@"
    need_skopeo
    need_archive
    make_scratch
    local ours tls published=()
    ours=$(digest "oci-archive:$archive")
    for name; do
        case $name in localhost[:/]* | 127.0.0.1[:/]*) tls=false ;; *) tls=true ;; esac
        skopeo copy --quiet --preserve-digests --retry-times 3 --dest-tls-verify=$tls \
            "oci-archive:$archive" "docker://$name" 2>"$scratch/said" || refused "$name"
        [ "$(digest "docker://$name" --tls-verify=$tls 2>"$scratch/said" || true)" = "$ours" ] ||
            fail "${name%%/*} took $name, and does not name it $ours now: $(said)"
        published+=("${name%:*}@$ours")
        echo "published $name"
    done
    echo "digest    $ours"
    output digest "$ours"
    output name "${1%:*}"
    output image "${published[0]}"
    output images "${published[*]}"
}

said() { tail -n 1 "$scratch/said" | sed 's/.*msg="\(.*\)"$/\1/' | tr -d '\000-\037' | cut -c 1-300; }
refused() {    # NAME; skopeo has tried again by itself
    local advice="are you logged in there (docker login ${1%%/*}), and may you write?"
    case $(said) in
        *toomanyrequests*) fail "${1%%/*} limits requests: run it again in a few minutes ($(said))" ;;
        # GHCR's own code for a package that is not the repository's
        *write_package*) advice="it was first pushed by hand: give the repository access in the package's settings (cd4ml/docs/github.md)" ;;
    esac
    fail "${1%%/*} did not take $1: $(said); $advice"
}

case $verb in
    build) build && echo "built $image; next: make smoke" ;;
    archive | sbom | scan) "$verb" ;;
    publish) publish "${@:2}" ;;
    *) echo "usage: image.sh build | archive | sbom | scan | publish REGISTRY/NAME:TAG ..." >&2; exit 2 ;;
esac
