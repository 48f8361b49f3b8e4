# shellcheck shell=bash disable=SC2153 # names that look gives
# promote: let the service run what the candidate runs. A container group has no traffic to share out: it is made again with
# the other image, is away for a moment, and how long is measured.

the_candidate() { # ENV: there must be one; with $CANDIDATE set, no other will do
    look "$1"
    [ -n "$CANDIDATE_REVISION" ] || die "$SERVICE has no candidate: $SCRIPT deploy IMAGE $1"
    is_candidate "$CANDIDATE_REVISION" || die "the release of $CANDIDATE_REVISION was undone or taken over: $SCRIPT restore $1"
    [ "${CANDIDATE:-$CANDIDATE_REVISION}" = "$CANDIDATE_REVISION" ] ||
        die "another deploy has taken over: the candidate is $CANDIDATE_REVISION, not $CANDIDATE"
}

promote() { # ENV [PERCENT]: the candidate's image to the service; less than all of it changes nothing
    local environment=${1:-} percent=${2:-100}
    check_environment "$environment"
    [[ $percent =~ ^([1-9][0-9]?|100)$ ]] || die "PERCENT is a whole number from 1 to 100"
    service_settings
    look "$environment"
    if [ "$percent" = 100 ] && [ -n "${CANDIDATE:-}" ] && [ "$REVISION" = "$CANDIDATE" ] && [ "$STEP" = served ]; then
        if [ "$CANDIDATE_REVISION" = "$CANDIDATE" ]; then remove "$BESIDE" || die "the candidate's group could not be removed; run this again"; fi
        printf '%s already serves\n' "$CANDIDATE"
        return
    fi
    the_candidate "$environment"
    if [ "$percent" -lt 100 ]; then
        printf 'Azure Container Instances share no traffic out: %s%s answers at %s\n' \
            "${REVISION:+$REVISION goes on serving alone, }" "$CANDIDATE_REVISION" "$CANDIDATE_URL"
        return
    fi
    secrets_to_run
    swap "$environment"
}

swap() { # ENV: make the service with the candidate's image; it must say of itself there what it said beside
    local before=$REVISION before_image=$IMAGE_SERVED candidate=$CANDIDATE_REVISION failed=""
    if was_swapped; then before=$PREVIOUS before_image=$PREVIOUS_IMAGE; fi # a swap that was stopped, begun again
    if [ -z "$EXISTS" ] && [ -n "$BEFORE" ]; then before=$BEFORE before_image=$BEFORE_IMAGE; fi
    local tags=("revision=$candidate" "previous=$before" "previous-image=$before_image" "candidate=$candidate" step=swap)
    watch_begins
    if [ -n "$EXISTS" ]; then
        create_again "$SERVICE" "$CANDIDATE_IMAGE" "${tags[@]}" || failed=yes
    else
        create "$SERVICE" "$CANDIDATE_IMAGE" "${tags[@]}" || failed=yes
    fi
    if [ -n "$DRY_RUN" ]; then
        tag "$SERVICE" step=served
        remove "$BESIDE"
        return
    fi
    if [ -z "$failed" ]; then
        { comes_up "$SERVICE" && ask same "https://$(host_of "$SERVICE")" "$CANDIDATE_URL" "${SERVICE_START_SECONDS:-300}"; } || failed=yes
    fi
    if [ -n "$failed" ]; then not_swapped "$1" "$before"; fi
    look "$1"
    [ "$REVISION" = "$candidate" ] || die "another deploy has taken over: $REVISION serves, not $candidate; run this again"
    watch_ends
    # In this order: once the service says that it is served, a candidate beside it is litter, which any run removes.
    tag "$SERVICE" step=served || die "$candidate serves, and its release could not be ended: $SCRIPT promote $1"
    remove "$BESIDE" || say "$candidate serves; its candidate could not be removed, which the next deploy does"
    printf '%-12s %s\n' serves "$candidate" before "${before:-nothing}" interrupted "${AWAY:-nobody}"
}

not_swapped() { # ENV BEFORE: say what serves, and go back where something else was begun
    watch_ends
    look "$1"
    if [ -n "$EXISTS" ] && [ "$REVISION" = "$2" ]; then
        die "$SERVICE could not be made again (above is why), and $2 serves as before: $SCRIPT promote $1, or restore $1"
    fi
    say "aci: $SERVICE does not serve $CANDIDATE_REVISION (above is why)"
    (restore "$1") || die "$SERVICE may not serve: $SCRIPT restore $1"
    die "not promoted: $CANDIDATE_REVISION"
}

WATCH=""

watch_begins() { # ask the service for as long as it is made again
    if [ -z "$EXISTS" ] || [ -n "$DRY_RUN" ]; then return; fi
    "$CD4ML_PYTHON" "$HERE/aci/ask.py" watch "https://$(host_of "$SERVICE")" >"$WORK/away" 2>/dev/null &
    WATCH=$!
}

watch_ends() { # read AWAY: for how many seconds it did not answer
    AWAY=""
    if [ -z "$WATCH" ]; then return; fi
    kill "$WATCH" 2>/dev/null || true
    wait "$WATCH" 2>/dev/null || true
    WATCH=""
    AWAY="$(cat "$WORK/away") s"
}
