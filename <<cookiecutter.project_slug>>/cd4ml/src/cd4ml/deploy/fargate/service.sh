# shellcheck shell=bash disable=SC2034 # the other parts use these names
# What a service is, what it was meant to become, and how that is written.
#
# The intent of a release is kept in the service's tags, as digests of images: `previous` is what served before, `candidate`
# what is to serve. They are written before anything is done and removed when the release has ended. No `candidate`:
# nothing is under way.

OF_SERVICE="service.[[status.statusCode, activeConfigurations[].ingressPaths[?accessType==\`PUBLIC\`].endpoint|[]|[0],
    tags[?key==\`previous\`].value|[0], tags[?key==\`candidate\`].value|[0]],
    (activeConfigurations||\`[]\`)[].[serviceRevisionArn, primaryContainer.image]]"

SECRET_OR_GOING="DeletedDate && 'going' || ARN" # AWS describes it until it is gone

look() { # ENV: read the service and its newest deployment
    read_service "$1"
    look_at_deployment
}

read_service() { # ENV: read SERVICE, ARN, EXISTS, URL, PREVIOUS and WANTED (digests), and ACTIVE (a revision)
    local status="" revision image
    the_account
    SERVICE=$(service_name "$1") ARN=$(service_arn "$1") EXISTS="" URL=None PREVIOUS=None WANTED=None ACTIVE=""
    if aws ecs describe-express-gateway-service "${IN_REGION[@]}" --service-arn "$ARN" --include TAGS \
        --query "$OF_SERVICE" --output text >"$WORK/service" 2>"$WORK/look"; then
        {
            read -r status URL PREVIOUS WANTED
            while read -r revision image; do
                ACTIVE=${ACTIVE:-${revision/#None/}}
                printf '%s None %s\n' "$revision" "$image" >>"$WORK/revisions"
            done
        } <"$WORK/service"
    elif ! grep -qE '\((Resource|Service|Cluster)NotFoundException\)' "$WORK/look"; then
        cannot_read "$SERVICE" "$WORK/look"
    fi
    case $status in
    "" | INACTIVE) URL=None PREVIOUS=None WANTED=None ACTIVE="" ;;
    *) EXISTS=$status ;;
    esac
    URL=$(secure "${URL/#None/}") PREVIOUS=${PREVIOUS/#None/} WANTED=${WANTED/#None/}
}

cannot_read() { # WHAT FILE
    if [ -z "$BEGUN" ]; then die "$1 cannot be read, and nothing was changed: $(said "$2")"; fi
    die "$1 cannot be read: $(said "$2")"
}

secure() { # ENDPOINT: as an address that is never unencrypted outside this machine
    case $1 in
    "" | https://* | http://127.0.0.1:* | http://localhost:*) printf '%s' "$1" ;;
    *) printf 'https://%s' "${1#http://}" ;;
    esac
}

begin() { # COMMAND...: change the service; from then on nobody may say that nothing was changed
    if [ -z "$DRY_RUN" ]; then BEGUN=yes; fi
    change "$@"
}

intend() { # PREVIOUS DIGEST: write down what is about to be done
    local tags=()
    if [ -n "$1" ]; then tags=("key=previous,value=$1"); fi
    begin aws ecs tag-resource "${IN_REGION[@]}" --resource-arn "$ARN" --tags ${tags[@]+"${tags[@]}"} "key=candidate,value=$2"
}

forget_intent() { # the release has ended
    if [ -z "$PREVIOUS$WANTED" ]; then return; fi
    begin aws ecs untag-resource "${IN_REGION[@]}" --resource-arn "$ARN" --tag-keys previous candidate
}

service_settings() { # CONFIGURATION, but for the image: as the runtime identity, with the keys from Secrets Manager
    local name
    for name in SERVICE_CPU SERVICE_MEMORY SERVICE_MIN_INSTANCES SERVICE_MAX_INSTANCES; do
        [[ ${!name:-1} =~ ^[0-9]{1,6}$ ]] || die "$name is not a whole number: docs/fargate.md names its unit"
    done
    the_account
    KEYS=$(aws secretsmanager describe-secret "${IN_REGION[@]}" --secret-id "$(secret_name)" --query "$SECRET_OR_GOING" --output text 2>"$WORK/secret") ||
        die "without the secret $(secret_name) anybody could ask the service, and nothing was changed: $SCRIPT bootstrap ($(said "$WORK/secret"))"
    if [ "$KEYS" = going ]; then die "the secret $(secret_name) is to be deleted, and nothing was changed: $SCRIPT bootstrap restores it"; fi
    CONFIGURATION=(
        --execution-role-arn "$(role_arn execution)" --task-role-arn "$(role_arn runtime)"
        --health-check-path /health/ready
        --cpu "${SERVICE_CPU:-512}" --memory "${SERVICE_MEMORY:-1024}"
        --scaling-target "minTaskCount=${SERVICE_MIN_INSTANCES:-1},maxTaskCount=${SERVICE_MAX_INSTANCES:-4},autoScalingMetric=AVERAGE_CPU,autoScalingTargetValue=60"
    )
}

# DEPLOYED differs each time, so that the same image is deployed again when it is to read new keys.
container() { # IMAGE
    local log
    log=$(log_address)
    if [ -n "$log" ]; then log=',{"name":"PREDICTION_LOG","value":"'$log'"}'; fi
    printf '{"image":"%s","containerPort":8080,"environment":[{"name":"PORT","value":"8080"},{"name":"DEPLOYED","value":"%s"}%s],"secrets":[{"name":"SERVICE_API_KEYS","valueFrom":"%s"}]}' \
        "$1" "$(date -u +%Y-%m-%dT%H:%M:%SZ)-$$" "$log" "$KEYS"
}

create() { # IMAGE: the service, with its intent from the first moment on
    begin aws ecs create-express-gateway-service "${IN_REGION[@]}" --cluster "$SLUG" --service-name "$SERVICE" \
        --infrastructure-role-arn "$(role_arn infrastructure)" --primary-container "$(container "$1")" "${CONFIGURATION[@]}" \
        --tags "key=project,value=$SLUG" "key=candidate,value=${1##*@}" --query service.serviceArn --output text
}

update() { # IMAGE: and tell the revision at once, so that later steps know what is theirs however this one ends
    local told command=(aws ecs update-express-gateway-service "${IN_REGION[@]}" --service-arn "$ARN"
        --primary-container "$(container "$1")" "${CONFIGURATION[@]}"
        --query service.targetConfiguration.serviceRevisionArn --output text)
    if [ -n "$DRY_RUN" ]; then
        change "${command[@]}"
        return
    fi
    BEGUN=yes
    told=$("${command[@]}") || return 1
    case $told in *:service-revision/*) output revision "${told##*/}" ;; esac
}

remove_service() { # ENV: and wait until it is gone, as its name is taken until then
    begin aws ecs delete-express-gateway-service "${IN_REGION[@]}" --service-arn "$ARN" \
        --query service.status.statusCode --output text || die "$SERVICE could not be removed: try again"
    if [ -n "$DRY_RUN" ]; then return; fi
    wait_until_gone "$1"
}

wait_until_gone() { # ENV
    read_service "$1"
    while [ -n "$EXISTS" ]; do
        pause
        read_service "$1"
    done
    look_at_deployment
}
