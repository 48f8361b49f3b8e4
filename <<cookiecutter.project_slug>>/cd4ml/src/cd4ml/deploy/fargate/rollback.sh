# shellcheck shell=bash
# Back to an earlier release, and what there is to go back to.

rollback() { # ENV DIGEST: deploy that image again, and give it all traffic once it answers
    check_environment "${1:-}"
    local environment=$1 digest=${2:-} image
    digest=sha256:${digest##*sha256:}
    [[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] || die "DIGEST is sha256: and 64 digits: $SCRIPT status $environment"
    look "$environment"
    [ -n "$EXISTS" ] || die "$SERVICE is not there: $SCRIPT deploy IMAGE $environment"
    if [ -z "$WANTED" ] && [ "$RUNNING_DIGEST" = "$digest" ]; then
        printf '%s serves already\n' "$digest"
        output revision "${TARGET##*/}"
        return
    fi
    image=$(image_name)@$digest
    if [ "$WANTED" = "$digest" ] && [ "$TARGET_DIGEST" = "$digest" ] && goes_well; then
        say "$SERVICE: ${TARGET##*/} is on its way already, and this goes on with it"
        if [ -z "$DRY_RUN" ]; then go_on "$environment" "$image"; fi
    else
        check_in_ecr "$image"
        deploy "$image" "$environment"
    fi
    if [ -n "$DRY_RUN" ]; then return; fi
    if ! (ask_candidate); then # no other look, whose failure would be taken for an answer
        restore "$environment"
        die "the earlier image does not answer as its bundle does; nothing was rolled back"
    fi
    promote "$environment"
}

go_on() { # ENV IMAGE: with what an earlier run has begun
    output revision "${TARGET##*/}"
    if ! under_way; then return; fi
    be_patient
    follow "$1" "$2" none "$PREVIOUS"
}

check_in_ecr() { # IMAGE: clean-up has not removed it; of other registries that is not known
    if ! is_in_ecr "$1"; then return; fi
    if aws ecr describe-images "${IN_REGION[@]}" --repository-name "$SLUG" --image-ids "imageDigest=${1##*@}" \
        --query 'imageDetails[0].imageDigest' --output text >"$WORK/known" 2>"$WORK/image"; then return; fi
    if grep -q '(ImageNotFoundException)' "$WORK/image"; then
        die "${1##*@} is not in ECR any more, and nothing was changed: choose another ($SCRIPT status), or build that release again"
    fi
    cannot_read "$1" "$WORK/image"
}

# Fargate pulls the image whenever it starts a task, so that ECR's clean-up has to leave it: keep-20.json says by which tags.
keep_images() { # ENV IMAGE BEFORE: what production runs, and what it ran before; what serves does not fail for it
    if [ "$1" != production ] || ! is_in_ecr "$2"; then return; fi
    if [ -n "$3" ] && [ "$3" != "${2##*@}" ]; then tag_image previous "$3"; fi
    tag_image production "${2##*@}"
}

tag_image() { # TAG DIGEST
    local told
    told=$(aws ecr batch-get-image "${IN_REGION[@]}" --repository-name "$SLUG" --image-ids "imageDigest=$2" \
        --query 'images[0].[imageManifestMediaType,imageManifest] || failures[0].failureReason' --output text 2>"$WORK/image") || told=""
    case $told in
    *$'\t'*)
        if change aws ecr put-image "${IN_REGION[@]}" --repository-name "$SLUG" --image-tag "$1" --image-digest "$2" \
            --image-manifest-media-type "${told%%$'\t'*}" --image-manifest "${told#*$'\t'}" --query image.imageId.imageTag --output text \
            2>"$WORK/image" || grep -q '(ImageAlreadyExistsException)' "$WORK/image"; then return; fi
        ;;
    *) printf '%s\n' "$told" >>"$WORK/image" ;;
    esac
    say "ECR did not tag $2 as $1 ($(said "$WORK/image")), and its clean-up may remove it once 20 newer ones are there: fix that, and release again"
}

status() { # [ENV]: a table of what serves, and whether a release is under way
    local environment
    if [ -n "${1:-}" ]; then
        check_environment "$1"
        status_of "$1"
    else
        for environment in staging production; do status_of "$environment"; done
    fi
}

status_of() { # ENV
    local revision state made image
    look "$1"
    if [ -z "$EXISTS" ]; then
        printf '%s: not there yet\n' "$SERVICE"
        return
    fi
    printf '%s %s\n' "$SERVICE" "${URL:-(no address yet)}"
    printf '  %-22s%-14s%-22s%s\n' traffic image made revision
    while read -r revision state made; do
        image=$(image_of "$revision")
        if [ -z "$image" ]; then
            ask_for_image "$revision"
            image=$(image_of "$revision")
        fi
        printf '  %-22s%-14s%-22s%s\n' "$(traffic "$revision" "$state")" "${image:7:12}" "$(moment "$made")" "${revision##*/}"
    done < <(deployments | head -n "${LINES_SHOWN:-10}")
    if [ -n "$DEPLOYMENT" ] && ! goes_well; then printf '  %s: %s\n' "${TARGET##*/}" "$(why)"; fi
    if [ -n "$PREVIOUS$WANTED" ]; then
        printf '  under way: %s promote %s, or restore %s\n' "$SCRIPT" "$1" "$1"
    fi
}

deployments() { # revision, state and time of each, newest first
    aws ecs list-service-deployments "${IN_REGION[@]}" --cluster "$SLUG" --service "$SERVICE" --max-results 100 \
        --query 'reverse(sort_by(serviceDeployments,&createdAt))[].[targetServiceRevisionArn,status,createdAt]' --output text
}

traffic() { # REVISION STATE: its share, or what became of it
    if [ "$1" = "$RUNNING" ]; then
        printf '100 %%'
    elif under_way && [ "$1" = "$TARGET" ]; then
        printf '%s %%' "$SHARE"
    elif under_way && [ "$1" = "$SOURCE" ]; then
        printf '%s %%' "$((100 - SHARE))"
    else
        printf '%s' "$2" | tr '[:upper:]_' '[:lower:] '
    fi
}

moment() { # TIME: version 1 of aws tells seconds, version 2 a date
    case $1 in
    *-*) printf '%s' "${1:0:19}" ;;
    *) date -u -d "@${1%%.*}" +%Y-%m-%dT%H:%M:%S 2>/dev/null || date -u -r "${1%%.*}" +%Y-%m-%dT%H:%M:%S ;;
    esac
}
