# shellcheck shell=bash disable=SC2034 # the other parts use these names
# What everything is called, and the settings that come from the environment.

# An API that was just enabled is not known everywhere at once, and two changes of one policy exclude each other.
PASSES='SERVICE_DISABLED|\) (ABORTED|UNAVAILABLE|RESOURCE_EXHAUSTED):' ALREADY='\) ALREADY_EXISTS:'
# Nor is an identity that was just made: it is not found, or whoever is named as one does not exist.
NEW_IDENTITY="$PASSES"'|\) (NOT_FOUND|INVALID_ARGUMENT):|HTTPError (400|404):'

check_settings() { # reject values that would not be taken literally by a command or an address
    GCP_PROJECT=${GCP_PROJECT:-} GCP_REGION=${GCP_REGION:-}
    [ -n "$GCP_PROJECT" ] || die "GCP_PROJECT is not set: export GCP_PROJECT=the project's id (gcloud projects list)"
    [ -n "$GCP_REGION" ] || die "GCP_REGION is not set: export GCP_REGION=europe-west1, say (gcloud run regions list)"
    [[ $GCP_PROJECT =~ ^[a-z][a-z0-9:.-]*$ ]] || die "GCP_PROJECT is not a project's id: a-z, 0-9 and hyphens"
    [[ $GCP_REGION =~ ^[a-z][a-z0-9-]*$ ]] || die "GCP_REGION is not a region, such as europe-west1"
    IN_REGION=(--project "$GCP_PROJECT" --region "$GCP_REGION")
}

# A tag and its service share one label of a host name: 46 characters, of which the tag "candidate" takes 9.
service_name() { # ENV
    case $1 in
    production) short "$SLUG" 37 ;;
    *) short "$SLUG-$1" 37 ;;
    esac
}

account_id() { # reader, trainer, deployer or runtime: 30 characters at most
    printf '%s-%s' "$(short "$SLUG" 21)" "$1"
}

account() { # the same as an address
    printf '%s@%s.iam.gserviceaccount.com' "$(account_id "$1")" "$GCP_PROJECT"
}

registry_host() { printf '%s' "${CLOUD_REGISTRY:-$GCP_REGION-docker.pkg.dev}"; }
image_name() { printf '%s/%s/%s/%s' "$(registry_host)" "$GCP_PROJECT" "$SLUG" "$SLUG"; }
secret_name() { printf '%s-api-keys' "$SLUG"; }
pool_name() { printf '%s' "$(short "$SLUG-github" 32)"; }

project_number() {
    if [ -z "${PROJECT_NUMBER:-}" ]; then
        PROJECT_NUMBER=$(gcloud projects describe "$GCP_PROJECT" --format='value(projectNumber)') ||
            die "project $GCP_PROJECT cannot be read: gcloud auth login, or correct GCP_PROJECT"
    fi
}

bucket_name() { # dvc or predictions, once project_number is known
    printf '%s-%s-%s' "$(short "$SLUG" 37)" "$1" "$PROJECT_NUMBER"
}

log_bucket() { printf 'gs://%s' "$(bucket_name predictions)"; }
log_for_reading() { log_bucket; }
