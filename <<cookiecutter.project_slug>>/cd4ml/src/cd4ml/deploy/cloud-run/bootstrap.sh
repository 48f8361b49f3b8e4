# shellcheck shell=bash disable=SC2153 # KNOWN is what rule_set reads
# What a project needs in Google Cloud, in the order in which one needs the other.

# cloudresourcemanager: a deploy asks for the number of the project, in which the bucket for predictions is named
APIS="run artifactregistry iam iamcredentials secretmanager storage monitoring sts cloudresourcemanager"

walk() {
    project_number
    note there project "$GCP_PROJECT ($PROJECT_NUMBER)"
    apis
    registry
    accounts
    bucket dvc
    bucket predictions
    log_retention
    secret
    roles
    case $CREDENTIALS in
    oidc) trust ;;
    *) keys ;;
    esac
}

apis() {
    local enabled api lacking=()
    enabled=$(gcloud services list --enabled --project "$GCP_PROJECT" --format='value(config.name)') || die "APIs cannot be listed"
    for api in $APIS; do
        has_line "$enabled" "$api.googleapis.com" || lacking[${#lacking[@]}]=$api.googleapis.com
    done
    ensure APIs "$APIS" "$([ "${#lacking[@]}" -gt 0 ] || printf 'all')" \
        gcloud services enable --project "$GCP_PROJECT" ${lacking[@]+"${lacking[@]}"}
}

registry() { # for the images, of which the newest 20 are kept
    local known file="$WORK/clean-up.json"
    known=$(gcloud artifacts repositories describe "$SLUG" --location "$GCP_REGION" --project "$GCP_PROJECT" --format=json 2>/dev/null || true)
    ensure registry "$SLUG" "$known" gcloud artifacts repositories create "$SLUG" --location "$GCP_REGION" \
        --project "$GCP_PROJECT" --repository-format docker --description "$SLUG: images, made by $SCRIPT"
    printf '%s' "$known" >"$WORK/told"
    rule_set images "$(cat "$HERE/cloud-run/keep-20.json")" "$WORK/told" ||
        die "the clean-up policies of the registry $SLUG cannot be read, and were not changed: $(tail -n 1 "$WORK/unreadable")"
    printf '%s\n' "$RULES" >"$file"
    if [ -n "$DRY_RUN" ]; then
        printf '# clean-up.json: %s\n' "$RULES"
        file=clean-up.json
    fi
    # gcloud takes all policies at once
    ensure "clean-up" "all but the newest 20 images" "${KNOWN/#other/}" \
        gcloud artifacts repositories set-cleanup-policies "$SLUG" --location "$GCP_REGION" --project "$GCP_PROJECT" \
        --no-dry-run --policy "$file"
}

bucket() { # KIND: closed to the public, access by roles alone
    local name known closed=(--uniform-bucket-level-access --public-access-prevention)
    name=gs://$(bucket_name "$1")
    known=$(gcloud storage buckets describe "$name" --format='value(public_access_prevention,uniform_bucket_level_access)' 2>/dev/null || true)
    case $known in
    "" | enforced*True) ensure bucket "$name" "$known" gcloud storage buckets create "$name" --project "$GCP_PROJECT" --location "$GCP_REGION" "${closed[@]}" ;;
    *) mend bucket "$name is not closed to the public" "$name, now closed to the public" gcloud storage buckets update "$name" "${closed[@]}" ;;
    esac
}

log_retention() { # a rule of the bucket deletes what is old; gcloud takes all rules at once
    local name told="$WORK/told" file="$WORK/predictions.json"
    name=gs://$(bucket_name predictions)
    : >"$told"
    case $FRESH in
    *" $name "*) ;;
    *)
        gcloud storage buckets describe "$name" --format='json(lifecycle_config)' >"$told" 2>"$WORK/failed" ||
            die "the lifecycle rules of $name cannot be read, and were not changed: $(tail -n 1 "$WORK/failed")"
        ;;
    esac
    deletion_rules storage "$name" "$told"
    printf '%s\n' "$RULES" >"$file"
    if [ -n "$DRY_RUN" ]; then
        printf '# predictions.json: %s\n' "$RULES"
        file=predictions.json
    fi
    retention "$name" gcloud storage buckets update "$name" --lifecycle-file "$file"
}

secret() { # the keys that clients of the service send; $SERVICE_API_KEYS, or a random one
    local known
    known=$(gcloud secrets describe "$(secret_name)" --project "$GCP_PROJECT" --format='value(name)' 2>/dev/null || true)
    if [ -n "$known" ] || [ -n "$LOOK_ONLY" ]; then
        ensure secret "$(secret_name)" "$known"
        return
    fi
    insist change_with "${SERVICE_API_KEYS:-$(random_key)}" \
        gcloud secrets create "$(secret_name)" --project "$GCP_PROJECT" --replication-policy automatic --data-file - ||
        give_up $? "the secret $(secret_name) could not be made (above is why)"
    if [ -n "$EXISTED" ]; then # made before, and not known where it was looked for
        note there secret "$(secret_name)"
        return
    fi
    FRESH="$FRESH$(secret_name) "
    note made secret "$(secret_name)"
}

look_at_service() { # ENV: a row of doctor's table
    look "$1"
    if [ -z "$EXISTS" ]; then
        note "not yet" service "$SERVICE: cd deploys it"
    elif [ -n "$(members "service $SERVICE" gcloud run services get-iam-policy "$SERVICE" "${IN_REGION[@]}" | grep -E ' all(Authenticated)?Users$' || true)" ]; then
        note wrong service "$SERVICE is open to anybody: gcloud run services remove-iam-policy-binding $SERVICE ${IN_REGION[*]} --member allUsers --role roles/run.invoker"
    elif [ -n "$(tagged "$WANTED" previous)" ]; then
        note wrong service "$SERVICE has a release that did not end: $SCRIPT restore $1"
    else
        note there service "$SERVICE $URL"
    fi
}

how_to_keep_data() { printf 'uv run dvc remote add --default storage gs://%s' "$(bucket_name dvc)"; }
