# shellcheck shell=bash
# A release in steps, each of which may be the last one that runs: deploy, smoke, promote, url.

deploy() { # IMAGE ENV: a new revision, until it has its first share of traffic: the candidate
    check_image "${1:-}"
    check_environment "${2:-}"
    local image=$1 environment=$2 before="" earlier=""
    service_settings
    be_patient
    look "$environment"
    reconcile "$environment"
    before=$(serving_before "$environment") || exit
    if [ -n "$EXISTS" ]; then
        earlier=${DEPLOYMENT:-none}
        intend "$before" "${image##*@}" || die "nothing was deployed; ${before:-what served before} serves"
        update "$image" || give_up "$environment" "$image" "not accepted"
    else
        say "$SERVICE: nothing serves yet, so the first revision takes all traffic; it wants an API key"
        create "$image" || give_up "$environment" "$image" "not accepted"
    fi
    if [ -n "$DRY_RUN" ]; then return; fi
    follow "$environment" "$image" "$earlier" "$before"
    printf '%-10s %s\n' revision "${TARGET##*/}" previous "${before:-none}" address "$URL" share "$SHARE %"
    printf 'next: %s smoke %s, then promote %s\n' "$SCRIPT" "$environment" "$environment"
}

follow() { # ENV IMAGE EARLIER BEFORE: what ECS has begun, until it is the candidate
    await_candidate "$1" "${2##*@}" "$3" "$4" || give_up "$1" "$2" "$(why)"
    output url "$URL"
    output candidate_url "$URL"
    output revision "${TARGET##*/}"
    output previous "$4"
}

give_up() { # ENV IMAGE WHY
    say "fargate: the new revision did not come up: $3"
    take_back "$1" "${2##*@}"
    die "not deployed: $2"
}

reconcile() { # ENV: end what a run left that was stopped half-way; the tag `previous` stays what to go back to
    if [ "$EXISTS" = DRAINING ]; then
        say "$SERVICE is being removed; waiting until it is gone"
        wait_until_gone "$1"
    elif [ -n "$PREVIOUS" ]; then
        say "$SERVICE: an earlier release did not end; what served before it was $PREVIOUS"
        settle "$PREVIOUS"
    elif [ -n "$WANTED" ] && [ "$STATE" != SUCCESSFUL ]; then
        say "$SERVICE: its first release did not come up; removing what is left of it"
        remove_service "$1"
    elif [ -z "$WANTED" ] && under_way; then
        die "somebody else's deployment of $SERVICE is under way, and nothing was changed: wait until it has ended ($SCRIPT status $1)"
    fi
}

serving_before() { # ENV: the image that serves and is not itself a first release that never ended
    if [ -z "$EXISTS" ] || [ -n "$WANTED$PREVIOUS" ]; then
        printf '%s' "$PREVIOUS"
    else
        [ -n "$RUNNING_DIGEST" ] || die "nobody knows what $SERVICE serves ($STATE), and nothing was changed: $SCRIPT restore $1 DIGEST settles it"
        printf '%s' "$RUNNING_DIGEST"
    fi
}

# ENV DIGEST EARLIER BEFORE: until the deployment after EARLIER (none: the first) has its share; fails when ECS gives up
await_candidate() {
    EXISTS=ACTIVE
    while :; do
        look_at_deployment
        if [ -n "$DEPLOYMENT" ] && [ "$DEPLOYMENT" != "$3" ]; then
            [ "$TARGET_DIGEST" = "$2" ] || die "another deploy has taken over: $TARGET_DIGEST is on its way, not $2"
            progress
            if [ "$STATE" = SUCCESSFUL ]; then break; fi
            goes_well || return 1
            if [ -n "$3" ] && [ "$SHARE" -gt 0 ]; then break; fi
        fi
        if is_late; then return 1; fi
        pause
    done
    read_service "$1"
    # Of two deploys at once the later one to update has won, and the earlier one may have been the last to write.
    if [ "$WANTED" != "$2" ]; then intend "$4" "$2" || die "$SERVICE could not be tagged: $SCRIPT restore $1"; fi
}

take_back() { # ENV DIGEST: after a deploy that failed, unless another one goes on already
    look "$1"
    if [ -n "$WANTED" ] && [ "$WANTED" != "$2" ]; then
        say "$SERVICE: another deploy has taken over, with $WANTED; left as it is"
        return
    fi
    (restore "$1") || say "restore it: $SCRIPT restore $1"
}

the_candidate() { # ENV: look whether it is there, and goes well
    look "$1"
    check_candidate "$1"
}

check_candidate() { # ENV: with $CANDIDATE set, no other will do
    [ -n "$WANTED" ] || die "$SERVICE has no candidate: $SCRIPT deploy IMAGE $1"
    if [ "${CANDIDATE:-${TARGET##*/}}" != "${TARGET##*/}" ] || [ "$TARGET_DIGEST" != "$WANTED" ]; then
        die "another deploy has taken over: the candidate is $WANTED (newest: ${TARGET##*/}), not ${CANDIDATE:-$TARGET_DIGEST}"
    fi
    goes_well || die "${TARGET##*/} is taken back by ECS ($(why)): $SCRIPT restore $1"
}

promote() { # ENV [PERCENT]: wait until the candidate has all traffic and ECS is content
    local environment=${1:-} percent=${2:-100}
    check_environment "$environment"
    [[ $percent =~ ^([1-9][0-9]?|100)$ ]] || die "PERCENT is a whole number from 1 to 100"
    be_patient
    look "$environment"
    if [ "$percent" = 100 ] && [ -n "${CANDIDATE:-}" ] && [ -z "$WANTED" ] && [ "${TARGET##*/}" = "$CANDIDATE" ] && [ "$STATE" = SUCCESSFUL ]; then
        printf '%s already takes all traffic of %s\n' "$CANDIDATE" "$SERVICE"
        return
    fi
    check_candidate "$environment"
    if [ "$percent" != 100 ]; then
        printf '%s takes %s %%: ECS gives a new revision 5 %% at first, and the rest when its alarms are quiet; nothing to do\n' "${TARGET##*/}" "$SHARE"
        return
    fi
    if [ -z "$DRY_RUN" ]; then
        wait_until_ended
        read_service "$environment"
        check_candidate "$environment"
        [ "$RUNNING_DIGEST" = "$WANTED" ] || die "$SERVICE runs ${RUNNING_DIGEST:-nobody knows what}, not $WANTED: $SCRIPT restore $environment"
    fi
    keep_images "$environment" "$TARGET_IMAGE" "$PREVIOUS"
    forget_intent || die "${TARGET##*/} takes all traffic, and the release could not be ended: run this again"
    printf '%-10s %s %s\n' "100 %" to "${TARGET##*/}"
}

url() { # ENV: the service's address
    check_environment "${1:-}"
    read_service "$1"
    [ -n "$URL" ] || die "$SERVICE is not there yet: $SCRIPT deploy IMAGE $1"
    output url "$URL"
    printf '%s\n' "$URL"
}

smoke() { # ENV: the candidate, else the service, must answer as the bundle does
    check_environment "${1:-}"
    look "$1"
    ask_candidate
}

ask_candidate() { # as it was looked at last
    if under_way; then
        ask_as_smoke "$URL" "${AMONG_OTHERS[@]}"
    else
        ask_as_smoke "$URL"
    fi
}

# The candidate has no address of its own: 400 requests at 5 % miss it once in 10^8. Nothing is sent meanwhile that has to
# be refused, because a refusal is a 4xx, of which ECS's alarm takes more than 1 % for a failure.
AMONG_OTHERS=(--tries 400)

identify() { :; } # the service is public, and the API key is all that it wants
