# shellcheck shell=bash
# Back to an earlier release, and what serves now.

rollback() { # ENV DIGEST: that image, first as a candidate, so that the service goes on until it is known to start
    check_environment "${1:-}"
    local environment=$1 digest=${2:-} before image served_before=""
    digest=sha256:${digest##*sha256:}
    [[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] || die "DIGEST is sha256: and 64 digits: $SCRIPT status $environment"
    look "$environment"
    [ -n "$EXISTS$CANDIDATE_EXISTS" ] || die "$SERVICE is not there: $SCRIPT deploy IMAGE $environment"
    before=$PREVIOUS_IMAGE
    if [ -z "$EXISTS" ]; then before=$BEFORE_IMAGE; fi # its group is gone, and the candidate's knows what it ran
    case $before in
    *"@$digest") image=$before served_before=yes ;;
    *) image="$(image_name)@$digest" ;;
    esac
    if [ "$STEP" = served ] && [ "${IMAGE_SERVED##*@}" = "$digest" ]; then
        printf '%s serves that image already\n' "$REVISION"
        output revision "$REVISION"
        return
    fi
    deploy "$image" "$environment"
    if [ -n "$DRY_RUN" ]; then return; fi
    if [ -n "$served_before" ]; then
        say "$SERVICE: that image served before this one did; that it is ready is enough"
    elif ! (smoke "$environment"); then
        restore "$environment"
        die "the earlier image does not answer as its bundle does; nothing was rolled back"
    fi
    promote "$environment"
}

status() { # [ENV]: what serves, the candidate, and whether a release is under way
    local environment
    if [ -n "${1:-}" ]; then
        check_environment "$1"
        status_of "$1"
    else
        for environment in staging production; do status_of "$environment"; done
    fi
}

status_of() { # ENV
    look "$1"
    if [ -z "$EXISTS$CANDIDATE_EXISTS" ]; then
        printf '%s: not there yet\n' "$SERVICE"
        return
    fi
    printf '%s %s\n' "$SERVICE" "${URL:-serves nothing yet}"
    printf '  %-12s%-12s%-14s%s\n' group state image revision
    if [ -n "$EXISTS" ]; then row service "$URL" "$IMAGE_SERVED" "$REVISION"; fi
    if [ -n "$CANDIDATE_EXISTS" ]; then row candidate "$CANDIDATE_URL" "$CANDIDATE_IMAGE" "$CANDIDATE_REVISION"; fi
    if [ -n "$PREVIOUS" ]; then row before - "$PREVIOUS_IMAGE" "$PREVIOUS"; fi
    if [ "$STEP" = restore ]; then
        printf '  on its way back: %s restore %s\n' "$SCRIPT" "$1"
    elif is_under_way; then
        printf '  under way: %s promote %s, or restore %s\n' "$SCRIPT" "$1" "$1"
    fi
}

row() { # GROUP ADDRESS IMAGE REVISION
    local state=- image=${3##*@sha256:}
    if [ "$2" != - ]; then
        if ask ready "$2" 0 2>/dev/null; then state=ready; else state="not ready"; fi
    fi
    printf '  %-12s%-12s%-14s%s\n' "$1" "$state" "${image:0:12}" "$4"
}
