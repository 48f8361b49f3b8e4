# shellcheck shell=bash
# Back to what served before.

restore() { # ENV [DIGEST]: all traffic to what served before the deploy, or to that image
    check_environment "${1:-}"
    local environment=$1 before=${2:-}
    [[ -z $before || $before =~ ^sha256:[0-9a-f]{64}$ ]] || die "DIGEST is sha256: and 64 digits: $SCRIPT status $environment"
    be_patient
    look "$environment"
    if [ -z "$EXISTS" ]; then
        printf '%s is not there: nothing to restore\n' "$SERVICE"
        return
    fi
    if is_taken_over; then
        printf '%s: another deploy has taken over, with %s; left as it is\n' "$SERVICE" "$WANTED"
        return
    fi
    before=${before:-$PREVIOUS}
    if [ -n "$before" ]; then
        back_to "$environment" "$before"
        if [ -z "$DRY_RUN" ]; then printf '%s serves again, with all traffic\n' "$before"; fi
    elif [ -n "$WANTED" ]; then
        # A release tags what served before it, so that nothing did: what the first one left is taken away.
        remove_service "$environment"
        say "$SERVICE: nothing served before the first release, and nothing serves now"
    else
        printf '%s: no release is under way; %s serves\n' "$SERVICE" "${RUNNING_DIGEST:-nobody knows what}"
    fi
}

is_taken_over() { # whether $CANDIDATE is not what is on its way any more, and the way back has not begun either
    [ -n "${CANDIDATE:-}" ] && [ -n "$WANTED" ] && { [ "$TARGET_DIGEST" != "$PREVIOUS" ] || is_redeploy; } &&
        { [ "${TARGET##*/}" != "$CANDIDATE" ] || [ "$TARGET_DIGEST" != "$WANTED" ]; }
}

back_to() { # ENV DIGEST
    local meant
    settle "$2"
    if [ "$RUNNING_DIGEST" != "$2" ] && { [ -z "$DRY_RUN" ] || ! under_way; }; then update_back "$1" "$2"; fi
    meant=$WANTED
    read_service "$1" # as another deploy may have begun meanwhile
    if [ -n "$WANTED" ] && [ "$WANTED" != "$meant" ]; then
        say "$SERVICE: another deploy has taken over, with $WANTED"
        return
    fi
    keep_images "$1" "${TARGET_IMAGE%%@*}@$2" ""
    forget_intent || die "$2 serves, and the release could not be ended: run this again"
}

update_back() { # ENV DIGEST
    local earlier=$DEPLOYMENT
    service_settings
    if [ -z "$WANTED" ]; then # as a release does, so that nobody takes this for somebody else's deployment
        intend "$2" "${RUNNING_DIGEST:-$TARGET_DIGEST}" || die "$SERVICE could not be tagged, and serves what it served: try again, $SCRIPT restore $1 $2"
        PREVIOUS=$2 WANTED=${RUNNING_DIGEST:-$TARGET_DIGEST}
    fi
    update "${TARGET_IMAGE%%@*}@$2" || die "$SERVICE may not serve $2: try again, $SCRIPT restore $1 $2"
    if [ -n "$DRY_RUN" ]; then return; fi
    say "$SERVICE: ECS moves traffic back in steps, which takes minutes"
    await_deployment_after "$earlier"
    wait_until_ended
    if [ "$STATE" != SUCCESSFUL ] || [ "$RUNNING_DIGEST" != "$2" ]; then
        die "$SERVICE could not go back to $2 ($(why)): try again, $SCRIPT restore $1 $2"
    fi
}

await_deployment_after() { # EARLIER
    look_at_deployment
    while [ "$DEPLOYMENT" = "$1" ]; do
        pause
        look_at_deployment
    done
}
