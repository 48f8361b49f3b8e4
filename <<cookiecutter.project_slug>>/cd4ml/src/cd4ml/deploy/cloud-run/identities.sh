# shellcheck shell=bash
# Who may do what in Google Cloud: service accounts and their roles.

accounts() { # the service accounts
    local known who
    known=$(insist gcloud iam service-accounts list --project "$GCP_PROJECT" --format='value(email)') || give_up $? "service accounts cannot be listed"
    for who in $(signing_in) runtime; do
        ensure identity "$(account_id "$who")" "$(printf '%s\n' "$known" | grep -Fx "$(account "$who")" || true)" \
            gcloud iam service-accounts create "$(account_id "$who")" --project "$GCP_PROJECT" --description "$(purpose "$who")"
    done
}

members() { # NAME COMMAND...: what a get-iam-policy command knows, as lines "ROLE MEMBER"; of what is new, nothing
    case $FRESH in *" $1 "*) return ;; esac
    "${@:2}" --flatten='bindings[].members[]' --format='value[separator=" "](bindings.role,bindings.members)' 2>/dev/null || true
}

grant() { # NOUN WHO ROLE COMMAND...: the add-iam-policy-binding command runs unless KNOWN (lines as above) has it
    local who member label
    who=$(works_as "$2")
    member=serviceAccount:$(account "$who") label="$who on $1: ${3#roles/}"
    if has_line "$KNOWN" "$3 $member"; then
        note there role "$label"
        return
    fi
    if [ -n "$LOOK_ONLY" ]; then
        note missing role "$label"
        return
    fi
    PASSES=$NEW_IDENTITY insist change "${@:4}" --project "$GCP_PROJECT" --member "$member" --role "$3" --format none ||
        give_up $? "$label could not be granted (above is why); run bootstrap again"
    note made role "$label"
}

roles() { # the least that works
    local project=(gcloud projects add-iam-policy-binding "$GCP_PROJECT" --condition None)
    local registry=(gcloud artifacts repositories add-iam-policy-binding "$SLUG" --location "$GCP_REGION")
    local data predictions
    data="gs://$(bucket_name dvc)" predictions="gs://$(bucket_name predictions)"

    # On the project, because a service cannot be granted on before its first release: deploy and shift traffic; ask the
    # private service, for the smoke test; read how many requests failed, for the canary.
    KNOWN=$(members "$GCP_PROJECT" gcloud projects get-iam-policy "$GCP_PROJECT")
    grant project deployer roles/run.developer "${project[@]}"
    grant project deployer roles/run.invoker "${project[@]}"
    grant project deployer roles/monitoring.viewer "${project[@]}"

    # Only the deployer pushes. Cloud Run pulls by itself, and neither reader nor trainer touches images.
    KNOWN=$(members "$SLUG" gcloud artifacts repositories get-iam-policy "$SLUG" --location "$GCP_REGION" --project "$GCP_PROJECT")
    grant registry deployer roles/artifactregistry.writer "${registry[@]}"

    # A deploy says what the service runs as; on that one identity alone.
    KNOWN=$(members "$(account_id runtime)" gcloud iam service-accounts get-iam-policy "$(account runtime)" --project "$GCP_PROJECT")
    grant "identity runtime" deployer roles/iam.serviceAccountUser gcloud iam service-accounts add-iam-policy-binding "$(account runtime)"

    # What signs in with a key asks for identity tokens of its own, for the smoke test.
    KNOWN=$(members "$(account_id deployer)" gcloud iam service-accounts get-iam-policy "$(account deployer)" --project "$GCP_PROJECT")
    grant "identity deployer" deployer roles/iam.serviceAccountOpenIdTokenCreator gcloud iam service-accounts add-iam-policy-binding "$(account deployer)"

    KNOWN=$(members "$data" gcloud storage buckets get-iam-policy "$data")
    grant "bucket dvc" reader roles/storage.objectViewer gcloud storage buckets add-iam-policy-binding "$data"
    grant "bucket dvc" trainer roles/storage.objectUser gcloud storage buckets add-iam-policy-binding "$data"

    # The service can add to its log, and neither read nor change what is there.
    KNOWN=$(members "$predictions" gcloud storage buckets get-iam-policy "$predictions")
    grant "bucket predictions" runtime roles/storage.objectCreator gcloud storage buckets add-iam-policy-binding "$predictions"
    grant "bucket predictions" trainer roles/storage.objectViewer gcloud storage buckets add-iam-policy-binding "$predictions"

    KNOWN=$(members "$(secret_name)" gcloud secrets get-iam-policy "$(secret_name)" --project "$GCP_PROJECT")
    grant "secret api-keys" runtime roles/secretmanager.secretAccessor gcloud secrets add-iam-policy-binding "$(secret_name)"
}
