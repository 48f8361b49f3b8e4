#!/usr/bin/env bash
# Run $IMAGE with next to no rights, compare its answers with those in models/bundle, and stop it.
# `cd4ml smoke-image` calls this in the project's folder.
#
# The container may write nowhere, has no capability, may gain none, and has half a gigabyte and 256 processes. It has
# to end by itself when it is told to. If it does not do all of this, its log is shown.
set -euo pipefail

docker=${DOCKER:-docker} image=${IMAGE:-$CD4ML_NAME} container=

fail() { echo "smoke-image: $1" >&2; exit 1; }
state() { "$docker" inspect --format "{{.State.$1}}" "$container"; }
runs() { [ "$(state Running)" = true ]; }
fail_with_log() {
    "$docker" logs "$container" >&2
    fail "$1 (exit code $(state ExitCode), out of memory: $(state OOMKilled)); its log is above"
}

[ -f models/bundle/bundle.json ] || fail "no bundle in models/bundle; run make train"
container=$("$docker" run --detach --read-only --cap-drop ALL --security-opt no-new-privileges \
    --memory 512m --pids-limit 256 --publish 127.0.0.1::8000 "$image") ||
    fail "$image does not run; make image builds it"
trap '"$docker" rm --force "$container" >/dev/null' EXIT
runs || fail_with_log "the container ended at once"
address=$("$docker" port "$container" 8000/tcp | head -n 1)

"$CD4ML_PYTHON" -m cd4ml smoke --url "http://$address" --wait 60 &
asking=$!
while kill -0 "$asking" 2>/dev/null; do    # a container that has ended is not waited for
    sleep 0.3
    runs || { kill "$asking" 2>/dev/null || true; fail_with_log "the container ended"; }
done
wait "$asking" || fail_with_log "the container runs, and did not answer as models/bundle does"

"$docker" stop --time 20 "$container" >/dev/null
[ "$(state ExitCode)" = 0 ] || fail_with_log "the container did not end by itself when it was told to stop"
echo "stopped      by itself, with exit code 0"
