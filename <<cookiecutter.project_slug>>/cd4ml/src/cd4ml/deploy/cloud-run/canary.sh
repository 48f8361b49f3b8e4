# shellcheck shell=bash
# Judge the candidate while it takes its share: by requests of our own, and by what Monitoring counted.

canary() { # ENV [SECONDS]: fails when a probe fails or too many requests were answered with 5xx
    check_environment "${1:-}"
    local environment=$1 seconds=${2:-300} until counted total errors
    local minimum=${CANARY_MINIMUM:-50} limit=${CANARY_ERROR_PERCENT:-1} rounds=${CANARY_ROUNDS:-5}
    local number
    for number in "$seconds" "$minimum" "$limit" "$rounds"; do
        [[ $number =~ ^[0-9]{1,5}$ ]] || die "SECONDS and the CANARY_ settings are whole numbers"
    done
    the_candidate "$environment"
    if [ -n "$DRY_RUN" ]; then return; fi
    until=$(($(date +%s) + seconds))
    while :; do
        ask_as_smoke "$(tagged_url "$ACTUAL" candidate)" --rounds "$rounds" --kind canary ||
            die "$CANDIDATE_REVISION fails its probes: $SCRIPT restore $environment"
        counted=$(requests_counted "$((seconds + 60))")
        total=${counted% *} errors=${counted#* }
        if [ "$total" -ge "$minimum" ] && [ $((errors * 100)) -gt $((limit * total)) ]; then
            die "$CANDIDATE_REVISION answered $errors of $total requests with 5xx, more than $limit %:" \
                "$SCRIPT restore $environment"
        fi
        if [ "$(date +%s)" -ge "$until" ]; then break; fi
        sleep "${CANARY_PAUSE:-20}"
    done
    if [ "$total" -lt "$minimum" ]; then
        printf '%s: judged on probes only (%s requests counted, %s needed)\n' "$CANDIDATE_REVISION" "$total" "$minimum"
    else
        printf '%s: %s of %s requests answered with 5xx, at most %s %% allowed\n' "$CANDIDATE_REVISION" "$errors" "$total" "$limit"
    fi
}

requests_counted() { # SECONDS: requests that the candidate answered, and how many of them with 5xx; "0 0" when unknown
    local token
    if token=$(gcloud auth print-access-token 2>/dev/null) &&
        MONITORING_TOKEN=$token "$CD4ML_PYTHON" "$HERE/cloud-run/requests_counted.py" \
            "$GCP_PROJECT" "$SERVICE" "$CANDIDATE_REVISION" "$1"; then
        return
    fi
    say "Monitoring does not tell how many requests were answered"
    printf '0 0\n'
}
