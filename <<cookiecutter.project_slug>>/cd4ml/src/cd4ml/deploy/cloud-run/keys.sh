# shellcheck shell=bash disable=SC2034 # any-cloud/keys.sh uses these
# Keys of service accounts, the service's own keys in Secret Manager, and what GitHub is told of both.

KEY_SECRETS=GCP_CREDENTIALS

keys_of() { # WHO [FLAG...]: the keys that people made, oldest first
    local told=""
    case $FRESH in *" $(account_id "$1") "*) return ;; esac
    if ! told=$(gcloud iam service-accounts keys list --iam-account "$(account "$1")" --project "$GCP_PROJECT" --managed-by user \
        --sort-by validAfterTime --format='value(name.basename())' "${@:2}" 2>"$WORK/keys"); then
        grep -qiE "$ABSENT" "$WORK/keys" || die "the keys of $(account_id "$1") cannot be listed: $(tail -n 1 "$WORK/keys")"
    fi
    printf '%s\n' "$told"
}

old_keys_of() { keys_of "$1" --filter='validAfterTime<-P90D'; } # WHO

make_key() { # WHO
    PASSES=$NEW_IDENTITY insist change gcloud iam service-accounts keys create "$KEY_FOLDER/$1/GCP_CREDENTIALS" --iam-account "$(account "$1")" --project "$GCP_PROJECT"
}

remove_key() { # WHO NAME
    change gcloud iam service-accounts keys delete "$2" --iam-account "$(account "$1")" --project "$GCP_PROJECT" --quiet
}

refuse_where_keys_are_forbidden() { # before anything is made; keys that are there already are fine
    local policy=constraints/iam.disableServiceAccountKeyCreation
    local enforced
    enforced=$(gcloud resource-manager org-policies describe "$policy" --project "$GCP_PROJECT" --effective \
        --format='value(booleanPolicy.enforced)' 2>/dev/null || true)
    if [ "$enforced" = True ] && [ -z "$(keys_of deployer)" ]; then
        die "the organisation forbids keys ($policy): $SCRIPT bootstrap --credentials oidc"
    fi
}

variables_of_the_cloud() {
    project_number
    variable GCP_PROJECT "$GCP_PROJECT"
    variable GCP_REGION "$GCP_REGION"
    if [ "$CREDENTIALS" = oidc ]; then
        variable GCP_WORKLOAD_IDENTITY_PROVIDER "projects/$PROJECT_NUMBER/locations/global/workloadIdentityPools/$(pool_name)/providers/github"
    fi
}

variables_of_identity() { # WHO ENVIRONMENT
    if [ "$CREDENTIALS" = oidc ]; then variable GCP_SERVICE_ACCOUNT "$(account "$1")" "$2"; fi
}

# the keys that clients of the service send

api_keys() { gcloud secrets versions access latest --secret "$(secret_name)" --project "$GCP_PROJECT"; }

how_to_read_api_keys() { printf 'gcloud secrets versions access latest --secret %s --project %s' "$(secret_name)" "$GCP_PROJECT"; }

set_api_keys() { # VALUE
    EARLIER=$(gcloud secrets versions list "$(secret_name)" --project "$GCP_PROJECT" --filter state=enabled --format='value(name.basename())')
    change_with "$1" gcloud secrets versions add "$(secret_name)" --project "$GCP_PROJECT" --data-file - || die "$(secret_name) could not be written"
}

forget_earlier_api_keys() {
    local version
    for version in $EARLIER; do
        change gcloud secrets versions destroy "$version" --secret "$(secret_name)" --project "$GCP_PROJECT" --quiet
    done
}
