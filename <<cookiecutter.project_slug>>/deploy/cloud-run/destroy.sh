# shellcheck shell=bash
# Remove what bootstrap and deploy made, and nothing else.

destroy() { # [--yes NAME]: lists it all, and asks for the project's name
    local answer="" who role
    NOT_GONE=""
    case ${1:-} in
    "") ;;
    --yes) answer=${2:-} ;;
    *) die "destroy takes --yes $SLUG" ;;
    esac
    project_number
    printf 'This removes from project %s, for good:\n' "$GCP_PROJECT"
    printf '  %-12s%s\n' services "$(service_name staging), $(service_name production)" \
        registry "$SLUG in $GCP_REGION, with all images" \
        bucket "gs://$(bucket_name dvc), with all data and models" \
        bucket "gs://$(bucket_name predictions), with all predictions" \
        secret "$(secret_name)" \
        identities "$(account_id reader), $(account_id trainer), $(account_id deployer), $(account_id runtime), their roles and keys" \
        trust "the identity pool $(pool_name), where there is one"
    if [ -z "$answer" ] && [ -z "$DRY_RUN" ]; then
        printf 'Type %s to go on: ' "$SLUG"
        read -r answer || true
    fi
    if [ "$answer" != "$SLUG" ] && [ -z "$DRY_RUN" ]; then die "nothing was removed"; fi
    for who in staging production; do
        gone gcloud run services delete "$(service_name $who)" "${IN_REGION[@]}" --quiet
    done
    for role in run.developer run.invoker monitoring.viewer; do
        gone gcloud projects remove-iam-policy-binding "$GCP_PROJECT" --quiet --condition None \
            --member "serviceAccount:$(account deployer)" --role "roles/$role"
    done
    for who in reader trainer deployer runtime; do
        gone gcloud iam service-accounts delete "$(account $who)" --project "$GCP_PROJECT" --quiet
    done
    gone gcloud secrets delete "$(secret_name)" --project "$GCP_PROJECT" --quiet
    gone gcloud artifacts repositories delete "$SLUG" --location "$GCP_REGION" --project "$GCP_PROJECT" --quiet
    gone gcloud storage rm --recursive "gs://$(bucket_name dvc)" --quiet
    gone gcloud storage rm --recursive "gs://$(bucket_name predictions)" --quiet
    gone gcloud iam workload-identity-pools delete "$(pool_name)" --location global --project "$GCP_PROJECT" --quiet
    if [ -n "$NOT_GONE" ]; then die "some could not be removed (above is why): run this again"; fi
    if [ -z "$DRY_RUN" ]; then printf 'removed; GitHub keeps its environments, variables and secrets: gh secret delete, gh variable delete\n'; fi
}

gone() { # COMMAND...: what is not there any more is gone as well
    if [ -n "$DRY_RUN" ]; then
        change "$@"
    elif ! "$@" >"$WORK/gone" 2>&1; then
        if grep -qiE 'not.?found|does not exist|cannot find|could not be found|matched no objects|already.*deleted' "$WORK/gone"; then return; fi
        tail -n 2 "$WORK/gone" >&2
        NOT_GONE=yes
    fi
}
