# shellcheck shell=bash
# Judge the candidate while it takes its share: by requests of our own, and by ECS's alarms.

canary() { # ENV [SECONDS]: fails when a probe fails or ECS takes the candidate back
    check_environment "${1:-}"
    local environment=$1 seconds=${2:-300} rounds=${CANARY_ROUNDS:-5} until number
    for number in "$seconds" "$rounds" "${CANARY_PAUSE:-20}"; do
        [[ $number =~ ^[0-9]{1,5}$ ]] || die "SECONDS and the CANARY_ settings are whole numbers"
    done
    the_candidate "$environment"
    if [ -n "$DRY_RUN" ]; then return; fi
    until=$(($(date +%s) + seconds))
    while :; do
        if ! ask_as_smoke "$URL" --rounds "$rounds" --kind canary "${AMONG_OTHERS[@]}"; then
            the_candidate "$environment" # where ECS has taken it back, it has said why
            die "${TARGET##*/} fails its probes: $SCRIPT restore $environment"
        fi
        the_candidate "$environment"
        progress
        if [ "$STATE" = SUCCESSFUL ] || [ "$SHARE" -ge 100 ]; then
            printf '%s has left its canary stage: ECS gives it all traffic, and no alarm went off\n' "${TARGET##*/}"
            return
        fi
        if [ "$(date +%s)" -ge "$until" ]; then break; fi
        sleep "${CANARY_PAUSE:-20}"
    done
    printf '%s answers, and is in its canary stage still after %s seconds: promote waits for what ECS says\n' "${TARGET##*/}" "$seconds"
}
