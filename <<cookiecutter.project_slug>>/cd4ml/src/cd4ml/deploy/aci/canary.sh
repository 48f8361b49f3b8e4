# shellcheck shell=bash
# Judge the candidate by requests of our own, at its own address: nobody else's reach it before promote.

canary() { # ENV [SECONDS]: fails when a probe fails
    check_environment "${1:-}"
    local environment=$1 seconds=${2:-300} rounds=${CANARY_ROUNDS:-5} until number probes=0
    for number in "$seconds" "$rounds" "${CANARY_PAUSE:-20}"; do
        [[ $number =~ ^[0-9]{1,5}$ ]] || die "SECONDS and the CANARY_ settings are whole numbers"
    done
    the_candidate "$environment"
    if [ -n "$DRY_RUN" ]; then return; fi
    until=$(($(date +%s) + seconds))
    while :; do
        ask_as_smoke "$CANDIDATE_URL" --rounds "$rounds" --kind canary ||
            die "$CANDIDATE_REVISION fails its probes: $SCRIPT restore $environment"
        probes=$((probes + 1))
        if [ "$(date +%s)" -ge "$until" ]; then break; fi
        sleep "${CANARY_PAUSE:-20}"
    done
    printf '%s: judged on probes only (%s times, %s rounds each)\n' "$CANDIDATE_REVISION" "$probes" "$rounds"
}
