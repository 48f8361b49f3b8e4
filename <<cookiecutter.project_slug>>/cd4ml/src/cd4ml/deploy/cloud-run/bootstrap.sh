# shellcheck shell=bash
# What a project needs in Google Cloud, in the order in which one needs the other.

APIS="run artifactregistry iam iamcredentials secretmanager storage monitoring sts"

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
    local known
    known=$(gcloud artifacts repositories describe "$SLUG" --location "$GCP_REGION" --project "$GCP_PROJECT" --format=json 2>/dev/null || true)
    ensure registry "$SLUG" "$known" gcloud artifacts repositories create "$SLUG" --location "$GCP_REGION" \
        --project "$GCP_PROJECT" --repository-format docker --description "$SLUG: images, made by $SCRIPT"
    ensure "clean-up" "all but the newest 20 images" "$(printf '%s' "$known" | grep keep-the-newest || true)" \
        gcloud artifacts repositories set-cleanup-policies "$SLUG" --location "$GCP_REGION" --project "$GCP_PROJECT" \
        --no-dry-run --policy "$HERE/cloud-run/keep-20.json"
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

log_retention() { # a rule of the bucket deletes what is old
    local name known="" file="$WORK/predictions.json"
    name=gs://$(bucket_name predictions)
    case $FRESH in
    *" $name "*) ;;
    *) known=$(gcloud storage buckets describe "$name" --format='value(lifecycle_config.rule[0].condition.age)' 2>/dev/null || true) ;;
    esac
    printf '{"rule": [{"action": {"type": "Delete"}, "condition": {"age": %s}}]}\n' "${PREDICTION_LOG_DAYS:-90}" >"$file"
    if [ -n "$DRY_RUN" ]; then
        printf '# predictions.json: %s\n' "$(cat "$file")"
        file=predictions.json
    fi
    retention "$name" "$known" gcloud storage buckets update "$name" --lifecycle-file "$file"
}

secret() { # the keys that clients of the service send; $SERVICE_API_KEYS, or a random one
    local known
    known=$(gcloud secrets describe "$(secret_name)" --project "$GCP_PROJECT" --format='value(name)' 2>/dev/null || true)
    if [ -n "$known" ] || [ -n "$LOOK_ONLY" ]; then
        ensure secret "$(secret_name)" "$known"
        return
    fi
    change_with "${SERVICE_API_KEYS:-$(random_key)}" \
        gcloud secrets create "$(secret_name)" --project "$GCP_PROJECT" --replication-policy automatic --data-file - ||
        die "the secret $(secret_name) could not be made (above is why)"
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
