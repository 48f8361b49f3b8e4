# shellcheck shell=bash
# Make what a project needs, once; doctor takes the same walk and only looks.

APIS="run artifactregistry iam iamcredentials secretmanager storage monitoring sts"
LOOK_ONLY="" MADE=0 LACKING=0
FRESH=" " # names of what was not there, so that nobody has a role on it yet

note() { # STATE WHAT NAME: a row of the table
    case $1 in
    made) MADE=$((MADE + 1)) ;;
    missing | wrong) LACKING=$((LACKING + 1)) ;;
    esac
    if [ -z "$DRY_RUN" ]; then printf '  %-9s%-18s%s\n' "$1" "$2" "$3"; fi
}

ensure() { # WHAT NAME PRESENT COMMAND...: run the command unless PRESENT says something; doctor never runs it
    if [ -n "$3" ]; then
        note there "$1" "$2"
    elif [ -n "$LOOK_ONLY" ]; then
        FRESH="$FRESH$2 "
        note missing "$1" "$2"
    else
        change "${@:4}" || die "$1 $2 could not be made (above is why): mend that and run bootstrap again"
        FRESH="$FRESH$2 "
        note made "$1" "$2"
    fi
}

walk() { # everything, in the order in which one needs the other
    project_number
    note there project "$GCP_PROJECT ($PROJECT_NUMBER)"
    apis
    registry
    accounts
    bucket dvc
    bucket predictions
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
        --project "$GCP_PROJECT" --repository-format docker --description "$SLUG: images, made by deploy/cloud-run.sh"
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
    *)
        if [ -n "$LOOK_ONLY" ]; then
            note wrong bucket "$name is not closed to the public: bootstrap closes it"
        else
            change gcloud storage buckets update "$name" "${closed[@]}"
            note made bucket "$name, now closed to the public"
        fi
        ;;
    esac
}

random_key() { head -c 30 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n='; }

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

bootstrap() { # [--credentials service-account|oidc] [--set-secrets]
    local set_secrets=""
    while [ $# -gt 0 ]; do
        case $1 in
        --credentials)
            CREDENTIALS=${2:-}
            [ $# -gt 1 ] && shift
            ;;
        --set-secrets) set_secrets=yes ;;
        *) die "bootstrap takes --credentials service-account|oidc, --set-secrets and --dry-run" ;;
        esac
        shift
    done
    case $CREDENTIALS in service-account | oidc) ;; *) die "--credentials is service-account or oidc" ;; esac
    if [ "$CREDENTIALS" = service-account ]; then refuse_where_keys_are_forbidden; fi
    walk
    if [ -n "$set_secrets" ]; then tell_github; fi
    if [ -n "$DRY_RUN" ]; then return; fi
    if [ "$MADE" = 0 ]; then printf 'everything was there; nothing was changed\n'; fi
    if [ -z "$set_secrets" ]; then what_github_needs; fi
    printf 'the key to ask the service with: gcloud secrets versions access latest --secret %s --project %s\n' "$(secret_name)" "$GCP_PROJECT"
    printf 'next: uv run dvc remote add --default storage gs://%s, git commit .dvc/config; then make doctor\n' "$(bucket_name dvc)"
}

doctor() { # a table of what is there, missing or wrong; fails when something is
    LOOK_ONLY=yes
    walk
    local environment
    for environment in staging production; do
        look "$environment"
        if [ -z "$EXISTS" ]; then
            note "not yet" service "$SERVICE: cd deploys it"
        elif [ -n "$(members "service $SERVICE" gcloud run services get-iam-policy "$SERVICE" "${IN_REGION[@]}" | grep -E ' all(Authenticated)?Users$' || true)" ]; then
            note wrong service "$SERVICE is open to anybody: gcloud run services remove-iam-policy-binding $SERVICE ${IN_REGION[*]} --member allUsers --role roles/run.invoker"
        elif [ -n "$(tagged "$WANTED" previous)" ]; then
            note wrong service "$SERVICE has a release that did not end: deploy/cloud-run.sh restore $environment"
        else
            note there service "$SERVICE $URL"
        fi
    done
    if [ "$LACKING" != 0 ]; then
        die "$LACKING missing or wrong; what is missing: deploy/cloud-run.sh bootstrap"
    fi
}
