# shellcheck shell=bash
# A release in steps, each of which may be the last one that runs: deploy, smoke, promote, restore, status, url.

deploy() { # IMAGE ENV: a new revision that takes no traffic, tagged "candidate"
    check_image "${1:-}"
    check_environment "${2:-}"
    local image=$1 environment=$2 digest=${1##*@sha256:} before revision failed="" first=()
    service_settings
    look "$environment"
    reconcile "$environment"
    before=$(serving_before)
    revision="$SERVICE-$(date -u +%Y%m%d%H%M%S)-${digest:0:7}"
    if [ -n "$before" ]; then
        route "$environment" "$before=100" --update-tags "previous=$before" || die "nothing was deployed; $before serves"
        first=(--no-traffic)
    else
        say "$SERVICE: nothing serves yet, so the first revision takes the traffic at once; the service is private"
    fi
    change gcloud run deploy "$SERVICE" "${IN_REGION[@]}" --quiet --image "$image" --revision-suffix "${revision#"$SERVICE-"}" \
        --tag candidate ${first[@]+"${first[@]}"} "${SETTINGS[@]}" || failed=yes
    if [ -n "$DRY_RUN" ]; then return; fi
    if [ -n "$failed" ]; then
        say "cloud-run: $revision did not come up (above is why)"
        restore "$environment" || true
        die "not deployed: $image"
    fi
    look "$environment"
    is_candidate "$revision" || die "another deploy has taken over: $revision is not the candidate any more; run this again"
    output url "$URL"
    output candidate_url "$(tagged_url "$ACTUAL" candidate)"
    output revision "$revision"
    output previous "$before"
    printf '%-10s %s\n' revision "$revision" previous "${before:-none}" candidate "$(tagged_url "$ACTUAL" candidate)"
    printf 'next: %s smoke %s, then promote %s\n' "$SCRIPT" "$environment" "$environment"
}

service_settings() { # SETTINGS: private, as the runtime identity, with the keys from Secret Manager
    local name log
    for name in SERVICE_CPU SERVICE_MEMORY SERVICE_CONCURRENCY SERVICE_MIN_INSTANCES SERVICE_MAX_INSTANCES; do
        case ${!name:-1} in
        *[!A-Za-z0-9.]*) die "$name is not a plain number or size, such as 2 or 512Mi" ;;
        esac
    done
    SETTINGS=(
        --no-allow-unauthenticated --ingress all --port 8080
        --service-account "$(account runtime)"
        --set-secrets "SERVICE_API_KEYS=$(secret_name):latest"
        --cpu "${SERVICE_CPU:-1}" --memory "${SERVICE_MEMORY:-512Mi}"
        --concurrency "${SERVICE_CONCURRENCY:-40}"
        --min-instances "${SERVICE_MIN_INSTANCES:-0}" --max-instances "${SERVICE_MAX_INSTANCES:-4}"
        --startup-probe "httpGet.path=/health/ready,httpGet.port=8080,periodSeconds=2,timeoutSeconds=2,failureThreshold=60"
    )
    if [ "${CD4ML_PREDICTION_LOG:-off}" = bucket ]; then project_number; fi
    log=$(log_address)
    if [ -n "$log" ]; then
        SETTINGS+=(--update-env-vars "PREDICTION_LOG=$log")
    else
        SETTINGS+=(--remove-env-vars PREDICTION_LOG)
    fi
}

reconcile() { # ENV: undo what a run left that was stopped half-way
    local before
    before=$(tagged "$WANTED" previous)
    if [ -z "$before" ]; then return; fi
    say "$SERVICE: an earlier release did not end; back to $before first"
    route "$1" "$before=100" --remove-tags candidate,previous || die "the earlier release could not be undone; try again"
    look "$1"
}

serving_before() { # what serves and is not itself a first release that never ended
    local names
    names=$(serving "$ACTUAL")
    if [ -z "$names" ] || [ "$names" = "$(tagged "$WANTED" candidate)" ]; then return; fi
    if [ "$(printf '%s\n' "$names" | wc -l)" -gt 1 ]; then
        die "traffic of $SERVICE was split by hand: $SCRIPT restore ENV REVISION settles it"
    fi
    printf '%s' "$names"
}

is_candidate() { # REVISION: whether it came up, and is still the one
    [ "$(tagged "$WANTED" candidate)" = "$1" ] && [ "$(tagged "$ACTUAL" candidate)" = "$1" ]
}

the_candidate() { # ENV: read CANDIDATE_REVISION and BEFORE; with $CANDIDATE set, no other will do
    look "$1"
    CANDIDATE_REVISION=$(tagged "$WANTED" candidate)
    BEFORE=$(tagged "$WANTED" previous)
    [ -n "$CANDIDATE_REVISION" ] || die "$SERVICE has no candidate: $SCRIPT deploy IMAGE $1"
    is_candidate "$CANDIDATE_REVISION" || die "$CANDIDATE_REVISION did not come up: $SCRIPT restore $1"
    [ "${CANDIDATE:-$CANDIDATE_REVISION}" = "$CANDIDATE_REVISION" ] ||
        die "another deploy has taken over: the candidate is $CANDIDATE_REVISION, not $CANDIDATE"
}

promote() { # ENV [PERCENT]: that share of traffic to the candidate, the rest to what served before
    local environment=${1:-} percent=${2:-100}
    check_environment "$environment"
    [[ $percent =~ ^([1-9][0-9]?|100)$ ]] || die "PERCENT is a whole number from 1 to 100"
    look "$environment"
    if [ "$percent" = 100 ] && [ -n "${CANDIDATE:-}" ] && [ -z "$(tagged "$WANTED" candidate)" ] &&
        [ "$(share_of "$ACTUAL" "$CANDIDATE")" = 100 ]; then
        printf '%s already takes all traffic of %s\n' "$CANDIDATE" "$SERVICE"
        return
    fi
    the_candidate "$environment"
    if [ "$percent" = 100 ]; then
        route "$environment" "$CANDIDATE_REVISION=100" --remove-tags candidate,previous || die "restore: $SCRIPT restore $environment"
    elif [ -z "$BEFORE" ]; then
        printf '%s is the first release of %s and takes all traffic already\n' "$CANDIDATE_REVISION" "$SERVICE"
        return
    else
        route "$environment" "$CANDIDATE_REVISION=$percent,$BEFORE=$((100 - percent))" || die "restore: $SCRIPT restore $environment"
    fi
    printf '%-10s %s %s\n' "$percent %" to "$CANDIDATE_REVISION"
    if [ "$percent" -lt 100 ]; then printf '%-10s %s %s\n' "$((100 - percent)) %" to "$BEFORE"; fi
}

restore() { # ENV [REVISION]: all traffic to what served before the deploy, or to that revision
    check_environment "${1:-}"
    local environment=$1 before=${2:-} candidate
    case $before in *[!a-z0-9-]*) die "REVISION is a revision's name: $SCRIPT status $environment" ;; esac
    look "$environment"
    if [ -z "$EXISTS" ]; then
        printf '%s is not there: nothing to restore\n' "$SERVICE"
        return
    fi
    candidate=$(tagged "$WANTED" candidate)
    if [ -n "${CANDIDATE:-}" ] && [ -n "$candidate" ] && [ "$candidate" != "$CANDIDATE" ]; then
        printf '%s: another deploy has taken over, with %s; left as it is\n' "$SERVICE" "$candidate"
        return
    fi
    before=${before:-$(tagged "$WANTED" previous)}
    if [ -n "$before" ]; then
        route "$environment" "$before=100" --remove-tags candidate,previous ||
            die "$SERVICE may not serve $before: try again, $SCRIPT restore $environment $before"
        if [ -z "$DRY_RUN" ]; then printf '%s serves again, with all traffic\n' "$before"; fi
    elif [ -n "$candidate" ]; then
        # A release tags what served before it, so that nothing did: what the first one left is taken away.
        change gcloud run services delete "$SERVICE" "${IN_REGION[@]}" --quiet || die "$SERVICE could not be removed: try again"
        say "$SERVICE: nothing served before the first release, and nothing serves now"
    else
        printf '%s: no release is under way; %s serves\n' "$SERVICE" "$(serving "$ACTUAL" | tr '\n' ' ')"
    fi
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
    local address
    address=$(tagged_url "$ACTUAL" candidate)
    ask_as_smoke "${address:-$URL}"
}

identify() { # an identity token whose audience is the service, unless one was given
    if [ -z "${SERVICE_IDENTITY_TOKEN:-}" ]; then
        SERVICE_IDENTITY_TOKEN=$(gcloud auth print-identity-token --audiences="$URL" 2>/dev/null ||
            gcloud auth print-identity-token 2>"$WORK/identity") ||
            die "no identity token: set SERVICE_IDENTITY_TOKEN, or gcloud auth login"
    fi
    export SERVICE_IDENTITY_TOKEN
}
