# shellcheck shell=bash disable=SC2034 # the other parts use these names
# What ECS is doing to a service: its deployments, one at a time, each of which moves traffic by itself.

OF_DEPLOYMENT='serviceDeployments[0].[status, lifecycleStage, targetServiceRevision.requestedProductionTrafficWeight,
    targetServiceRevision.arn, sourceServiceRevisions[0].arn, rollback.serviceRevisionArn,
    alarms.triggeredAlarmNames[0], statusReason]'

# Read the newest deployment: DEPLOYMENT, STATE, STAGE, SHARE (percent of the revision that it brings), TARGET (that
# revision), SOURCE (the one before), RUNNING (the one that serves, where it has ended), ALARM, REASON, and the digests.
look_at_deployment() {
    local back=""
    DEPLOYMENT="" STATE="" STAGE="" SHARE=0 TARGET="" SOURCE="" RUNNING="" ALARM="" REASON=""
    TARGET_IMAGE="" TARGET_DIGEST="" RUNNING_DIGEST=""
    if [ -z "$EXISTS" ]; then return; fi
    DEPLOYMENT=$(aws ecs list-service-deployments "${IN_REGION[@]}" --cluster "$SLUG" --service "$SERVICE" --max-results 100 \
        --query 'reverse(sort_by(serviceDeployments,&createdAt))[0].serviceDeploymentArn' --output text 2>"$WORK/list") ||
        cannot_read "$SERVICE" "$WORK/list"
    DEPLOYMENT=${DEPLOYMENT/#None/}
    if [ -n "$DEPLOYMENT" ]; then
        aws ecs describe-service-deployments "${IN_REGION[@]}" --service-deployment-arns "$DEPLOYMENT" \
            --query "$OF_DEPLOYMENT" --output text >"$WORK/deployment" 2>"$WORK/describe" || cannot_read "$DEPLOYMENT" "$WORK/describe"
        IFS=$'\t' read -r STATE STAGE SHARE TARGET SOURCE back ALARM REASON <"$WORK/deployment" || true
    elif [ -n "$ACTIVE" ]; then # ECS keeps deployments for 90 days
        STATE=SUCCESSFUL TARGET=$ACTIVE SHARE=100
    fi
    SHARE=${SHARE/#None/0} SHARE=${SHARE%%.*} STAGE=${STAGE/#None/} ALARM=${ALARM/#None/} REASON=${REASON/#None/}
    SOURCE=${SOURCE/#None/} TARGET=${TARGET/#None/} back=${back/#None/}
    case $STATE in
    SUCCESSFUL) RUNNING=$TARGET ;;
    ROLLBACK_SUCCESSFUL) RUNNING=${back:-$SOURCE} ;;
    esac
    if [ -n "$TARGET" ]; then read_digests; fi
}

read_digests() { # TARGET_IMAGE, TARGET_DIGEST and RUNNING_DIGEST
    local revision
    for revision in "$TARGET" "$RUNNING"; do
        if [ -z "$(image_of "$revision")" ] && [ -n "$revision" ]; then ask_for_image "$revision"; fi
    done
    TARGET_IMAGE=$(image_of "$TARGET" image) TARGET_DIGEST=$(image_of "$TARGET") RUNNING_DIGEST=$(image_of "$RUNNING")
}

image_of() { # REVISION [image]: its digest, or its image, as far as it was read; a revision never changes
    local revision digest image
    while read -r revision digest image; do
        if [ "$revision" = "$1" ] && [ -n "$(digest_of "$digest" "$image")" ]; then
            if [ -n "${2:-}" ]; then printf '%s' "$image"; else digest_of "$digest" "$image"; fi
            return
        fi
    done < <(cat "$WORK/revisions" 2>/dev/null)
}

ask_for_image() { # REVISION
    aws ecs describe-service-revisions "${IN_REGION[@]}" --service-revision-arns "$1" \
        --query 'serviceRevisions[].[serviceRevisionArn, containerImages[0].imageDigest, containerImages[0].image]' \
        --output text >>"$WORK/revisions" 2>"$WORK/describe" || cannot_read "a revision of $SERVICE" "$WORK/describe"
}

digest_of() { # DIGEST IMAGE: as the image's name says it, else as ECS found it
    case $2 in *@sha256:*) printf '%s' "${2##*@}" ;; *) printf '%s' "${1/#None/}" ;; esac
}

under_way() { case $STATE in PENDING | IN_PROGRESS | STOP_REQUESTED | ROLLBACK_REQUESTED | ROLLBACK_IN_PROGRESS) ;; *) return 1 ;; esac }
goes_well() { case $STATE in PENDING | IN_PROGRESS | SUCCESSFUL) ;; *) return 1 ;; esac }

why() { # it failed, as far as ECS tells
    printf '%s%s%s' "$STATE" "${ALARM:+, alarm $ALARM}" "${REASON:+: ${REASON:0:300}}"
}

be_patient() { GIVE_UP=$(($(date +%s) + FARGATE_PATIENCE)); }

is_late() { # and then REASON says so
    [ "$(date +%s)" -ge "$GIVE_UP" ] || return 1
    REASON="not there within $FARGATE_PATIENCE seconds; FARGATE_PATIENCE lets this wait longer"
}

pause() { # between two looks
    if is_late; then
        die "$SERVICE did not get there within $FARGATE_PATIENCE seconds (${STATE:-$EXISTS}): $SCRIPT status; FARGATE_PATIENCE lets this wait longer"
    fi
    sleep "$FARGATE_PAUSE"
}

progress() { # say where it is, when that has changed
    local now="$STATE${STAGE:+ ($STAGE)}, $SHARE %"
    if [ "$now" != "${TOLD:-}" ]; then say "  $now"; fi
    TOLD=$now
}

wait_until_ended() {
    while under_way; do
        progress
        pause
        look_at_deployment
    done
    progress
}

# Whether the release is of the image that served before, for new keys or settings: digests do not tell the two apart.
is_redeploy() { [ -n "$WANTED" ] && [ "$WANTED" = "$PREVIOUS" ]; }

settle() { # DIGEST: what leads to that image may end; anything else is rolled back first
    local told=""
    while under_way; do
        if [ -z "$told" ] && { [ "$TARGET_DIGEST" != "$1" ] || is_redeploy; } && goes_well; then
            told=yes
            begin aws ecs stop-service-deployment "${IN_REGION[@]}" --service-deployment-arn "$DEPLOYMENT" --stop-type ROLLBACK \
                --query serviceDeploymentArn --output text || told=refused
            if [ -n "$DRY_RUN" ]; then return; fi
        fi
        progress
        if [ "$told" != refused ]; then pause; fi
        look_at_deployment
        # refused, it may have ended by itself just before
        if [ "$told" = refused ] && under_way; then die "$SERVICE could not be told to roll back (above is why): try again"; fi
    done
}
