# shellcheck shell=bash disable=SC2153 # names that look gives
# A release in steps, each of which may be the last one that runs: deploy, smoke, promote (swap.sh), restore, url.

deploy() { # IMAGE ENV: a container group beside the one that serves, the candidate
    check_image "${1:-}"
    check_environment "${2:-}"
    local image=$1 environment=$2 digest=${1##*@sha256:} revision before before_image failed=""
    service_settings
    look "$environment"
    secrets_to_run
    reconcile "$environment"
    before=$REVISION before_image=$IMAGE_SERVED
    revision="$SERVICE-$(date -u +%Y%m%d%H%M%S)-${digest:0:7}"
    if [ -n "$EXISTS" ]; then
        tag "$SERVICE" "candidate=$revision" step=deploy || die "nothing was deployed; $before serves"
    else
        say "$SERVICE: nothing serves yet, and nothing will before promote"
    fi
    create "$BESIDE" "$image" "revision=$revision" "previous=$before" "previous-image=$before_image" step=deploy || failed=yes
    if [ -n "$DRY_RUN" ]; then return; fi
    if [ -n "$failed" ] || ! comes_up "$BESIDE"; then
        say "aci: $revision did not come up (above is why)"
        (CANDIDATE=$revision restore "$environment") || true
        die "not deployed: $image"
    fi
    look "$environment"
    is_candidate "$revision" || die "another deploy has taken over: $revision is not the candidate any more; run this again"
    output url "https://$(host_of "$SERVICE")"
    output candidate_url "$CANDIDATE_URL"
    output revision "$revision"
    output previous "$before"
    printf '%-10s %s\n' revision "$revision" previous "${before:-none}" candidate "$CANDIDATE_URL"
    printf 'next: %s smoke %s, then promote %s\n' "$SCRIPT" "$environment" "$environment"
}

is_candidate() { # REVISION: whether it is still the one
    [ "$CANDIDATE_REVISION" = "$1" ] && { [ -z "$EXISTS" ] || [ "$UNDER_WAY" = "$1" ]; }
}

is_under_way() { # whether a release has not ended; a candidate beside what is served is litter of one that has
    [ -n "$CANDIDATE_EXISTS" ] || { [ -n "$EXISTS" ] && [ "$STEP" != served ]; }
}

reconcile() { # ENV: undo what a run left that was stopped half-way
    if ! is_under_way; then return; fi
    say "$SERVICE: an earlier release did not end; back to $(goes_back_to) first"
    if ! go_back; then
        look "$1"
        [ "$STEP" = restore ] || die "the earlier release could not be undone (above is why); try again"
        # What served before is there again, as well as can be: a release may be what mends it.
        say "$SERVICE does not serve $REVISION (above is why); this release goes on beside it"
        if [ -n "$CANDIDATE_EXISTS" ]; then remove "$BESIDE" || die "the earlier candidate could not be removed; try again"; fi
    fi
    if [ -z "$DRY_RUN" ]; then look "$1"; fi
}

was_swapped() { # whether the service was made again, or was to be, with a candidate that has not proved itself there
    [ -n "$EXISTS" ] && [ "$STEP" = swap ]
}

goes_back_to() { # the revision that serves when a release is undone; "nothing" before the first one
    if was_swapped; then
        printf '%s' "${PREVIOUS:-nothing}"
    elif [ -n "$EXISTS" ]; then
        printf '%s' "$REVISION"
    else
        printf '%s' "${BEFORE:-nothing}"
    fi
}

go_back() { # make what served before a release again, wherever that is not what there is, and take the candidate away
    if was_swapped && [ -z "$PREVIOUS" ]; then
        remove "$SERVICE" || return 1
    elif was_swapped; then
        serve_again "$PREVIOUS" "$PREVIOUS_IMAGE" || return 1
    elif [ -z "$EXISTS" ] && [ -n "$BEFORE" ]; then # killed between removing a service and making it again
        serve_again "$BEFORE" "$BEFORE_IMAGE" || return 1
    elif [ "$STEP" = restore ] && [ "$(settled "$SERVICE")" = Running ]; then # killed while it came up, or it did not
        comes_up "$SERVICE" || return 1
    elif [ "$STEP" = restore ]; then
        serve_again "$REVISION" "$IMAGE_SERVED" || return 1
    fi
    # Not before that: it tells what served where the service's group is gone.
    if [ -n "$CANDIDATE_EXISTS" ]; then remove "$BESIDE" || return 1; fi
}

serve_again() { # REVISION IMAGE: make the service with an earlier image, and wait for it; that it serves is for `proved`
    local tags=("revision=$1" "previous=" "previous-image=" "candidate=$1" step=restore)
    if [ -n "$EXISTS" ]; then
        create_again "$SERVICE" "$2" "${tags[@]}" || return 1
    else
        create "$SERVICE" "$2" "${tags[@]}" || return 1
    fi
    comes_up "$SERVICE"
}

proved() { # end a release that was undone, last of all: whatever kills or fails it before is noticed by the next run
    comes_up "$SERVICE" && tag "$SERVICE" step=served
}

not_back() { # ENV REVISION IMAGE: where the group had to be removed, nothing but this line tells the image
    die "$SERVICE may not serve $2 (above is why): try again, $SCRIPT restore $1 $2; where status shows no service, $SCRIPT deploy $3 $1"
}

restore() { # ENV [REVISION]: what served before the deploy serves again, or the revision before this one
    check_environment "${1:-}"
    local environment=$1 wanted=${2:-} candidate
    case $wanted in *[!a-z0-9-]*) die "REVISION is a revision's name: $SCRIPT status $environment" ;; esac
    service_settings
    look "$environment"
    if [ -z "$EXISTS$CANDIDATE_EXISTS" ]; then
        [ -z "$wanted" ] || die "$SERVICE is not there, nor anything that tells what $wanted ran: $SCRIPT deploy IMAGE $environment"
        printf '%s is not there: nothing to restore\n' "$SERVICE"
        return
    fi
    if is_under_way; then candidate=${CANDIDATE_REVISION:-$UNDER_WAY}; else candidate=""; fi
    if [ -n "${CANDIDATE:-}" ] && [ -n "$candidate" ] && [ "$candidate" != "$CANDIDATE" ] && [ "$STEP" != restore ]; then
        printf '%s: another deploy has taken over, with %s; left as it is\n' "$SERVICE" "$candidate"
        return
    fi
    if [ -n "$candidate" ]; then
        undo "$environment"
        if [ -n "$DRY_RUN" ]; then return; fi
        look "$environment"
    fi
    if [ -n "$wanted" ] && [ "$wanted" != "$REVISION" ]; then
        [ "$wanted" = "$PREVIOUS" ] || die "$wanted is not the revision before $REVISION: $SCRIPT rollback $environment DIGEST"
        secrets_to_run
        { serve_again "$PREVIOUS" "$PREVIOUS_IMAGE" && proved; } || not_back "$environment" "$wanted" "$PREVIOUS_IMAGE"
        if [ -z "$DRY_RUN" ]; then printf '%s serves again\n' "$wanted"; fi
    elif [ -z "$candidate" ]; then
        printf '%s: no release is under way; %s serves\n' "$SERVICE" "$REVISION"
    fi
}

undo() { # ENV: end the release that is under way, as restore does
    local back image=$IMAGE_SERVED
    back=$(goes_back_to)
    if [ "$back" = nothing ]; then
        go_back || die "the first release could not be undone (above is why): try again, $SCRIPT restore $1"
        if [ -z "$DRY_RUN" ]; then say "$SERVICE: nothing served before the first release, and nothing serves now"; fi
        return
    fi
    if was_swapped; then image=$PREVIOUS_IMAGE; elif [ -z "$EXISTS" ]; then image=$BEFORE_IMAGE; fi
    case $STEP in deploy | served) ;; *) secrets_to_run ;; esac # the service may have to be made again
    { go_back && proved; } || not_back "$1" "$back" "$image"
    if [ -z "$DRY_RUN" ]; then printf '%s serves again\n' "$back"; fi
}

url() { # ENV: the service's address
    check_environment "${1:-}"
    look "$1"
    [ -n "$URL" ] || die "$SERVICE is not there yet: $SCRIPT deploy IMAGE $1"
    output url "$URL"
    printf '%s\n' "$URL"
}

smoke() { # ENV: the candidate, else the service, must answer as the bundle does
    check_environment "${1:-}"
    look "$1"
    ask_as_smoke "${CANDIDATE_URL:-$URL}"
}

identify() { # the keys to ask with; Azure asks nothing of its own
    SERVICE_API_KEYS=$(api_keys) || die "SERVICE_API_KEYS is not set: export it, or $SCRIPT bootstrap"
    export SERVICE_API_KEYS
}
