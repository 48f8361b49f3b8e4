# shellcheck shell=bash disable=SC2034 # the other parts use these names
# What a service is, as far as doctor and destroy need it (releases: service.py, which says how their intent is kept).

OF_SERVICE="service.[status.statusCode, activeConfigurations[].ingressPaths[?accessType==\`PUBLIC\`].endpoint|[]|[0],
    tags[?key==\`previous\`].value|[0], tags[?key==\`candidate\`].value|[0]]"

SECRET_OR_GOING="DeletedDate && 'going' || ARN" # AWS describes it until it is gone

look() { # ENV: read SERVICE, ARN, EXISTS, URL, PREVIOUS and WANTED (digests)
    local status=""
    the_account
    SERVICE=$(service_name "$1") ARN=$(service_arn "$1") EXISTS="" URL=None PREVIOUS=None WANTED=None
    if aws ecs describe-express-gateway-service "${IN_REGION[@]}" --service-arn "$ARN" --include TAGS \
        --query "$OF_SERVICE" --output text >"$WORK/service" 2>"$WORK/look"; then
        read -r status URL PREVIOUS WANTED <"$WORK/service"
    elif ! grep -qE '\((Resource|Service|Cluster)NotFoundException\)' "$WORK/look"; then
        cannot_read "$SERVICE" "$WORK/look"
    fi
    case $status in
    "" | INACTIVE) URL=None PREVIOUS=None WANTED=None ;;
    *) EXISTS=$status ;;
    esac
    URL=$(secure "${URL/#None/}") PREVIOUS=${PREVIOUS/#None/} WANTED=${WANTED/#None/}
}

cannot_read() { die "$1 cannot be read, and nothing was changed: $(said "$2")"; } # WHAT FILE

secure() { # ENDPOINT: as an address that is never unencrypted outside this machine
    case $1 in
    "" | https://* | http://127.0.0.1:* | http://localhost:*) printf '%s' "$1" ;;
    *) printf 'https://%s' "${1#http://}" ;;
    esac
}

wait_until_gone() { # ENV
    local until
    until=$(($(date +%s) + FARGATE_PATIENCE))
    look "$1"
    while [ -n "$EXISTS" ]; do
        if [ "$(date +%s)" -ge "$until" ]; then
            die "$SERVICE is not gone within $FARGATE_PATIENCE seconds ($EXISTS): run this again; FARGATE_PATIENCE lets this wait longer"
        fi
        sleep "$FARGATE_PAUSE"
        look "$1"
    done
}
