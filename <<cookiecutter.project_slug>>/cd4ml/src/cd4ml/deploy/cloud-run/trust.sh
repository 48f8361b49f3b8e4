# shellcheck shell=bash
# GitHub as an identity provider: a pool, a provider in it, and who signs in as which service account.
#
# For 30 days Google keeps a pool or a provider that was deleted: it is described as DELETED, and its id is taken.

GITHUB_TOKENS=https://token.actions.githubusercontent.com
RESTORED="" # whether the pool was deleted, and nobody has signed in by its provider since

trust() { # let this repository's workflows, by the environment they run in, sign in without a key
    local pool who environment member
    pool=$(pool_name)
    repository
    identity_pool "$pool"
    identity_provider "$pool"
    for who in $(signing_in); do
        KNOWN=$(members "$(account_id "$who")" gcloud iam service-accounts get-iam-policy "$(account "$who")" --project "$GCP_PROJECT")
        for environment in $(environments_of "$who"); do
            member="principal://iam.googleapis.com/projects/$PROJECT_NUMBER/locations/global/workloadIdentityPools/$pool/subject/$(subject_in "$environment")"
            PASSES=$NEW_IDENTITY ensure trust "environment $environment is $who" \
                "$(printf '%s\n' "$KNOWN" | grep -Fx "roles/iam.workloadIdentityUser $member" || true)" \
                gcloud iam service-accounts add-iam-policy-binding "$(account "$who")" --project "$GCP_PROJECT" \
                --role roles/iam.workloadIdentityUser --member "$member" --format none
        done
    done
}

# What Google knows a job by holds at most 127 bytes, and the subject of GitHub's tokens has the names of owner and
# repository, of 39 and 100 characters, in it: their numbers stand for them.
subject_mapping() {
    if [ -n "$NO_ENVIRONMENTS" ]; then
        printf '%s' "assertion.repository_id + ':' + assertion.ref"
    else
        printf '%s' "assertion.repository_id + ':environment:' + assertion.environment"
    fi
}

subject_in() { # ENVIRONMENT: the same of a job there; with no environments, of one of the default branch
    if [ "$1" = repository ]; then printf '%s:refs/heads/%s' "$REPOSITORY_ID" "$DEFAULT_BRANCH"; else printf '%s:environment:%s' "$REPOSITORY_ID" "$1"; fi
}

identity_pool() { # POOL
    local state place=("$1" --project "$GCP_PROJECT" --location global)
    state=$(shown_of state "" "${place[@]}")
    if [ "$state" = DELETED ]; then
        RESTORED=yes
        restored "identity pool" "" "${place[@]}"
    else
        ensure "identity pool" "$1" "$state" gcloud iam workload-identity-pools create "${place[@]}" --display-name GitHub
    fi
}

identity_provider() { # POOL: which tokens it takes, and what it takes from them
    local state condition mapping known
    local place=(github --project "$GCP_PROJECT" --location global --workload-identity-pool "$1")
    # Numbers, because a name that was given up can be taken by somebody else.
    condition="assertion.repository_id == '$REPOSITORY_ID' && assertion.repository_owner_id == '$OWNER_ID'"
    state=$(shown_of state providers "${place[@]}")
    if [ -z "$state" ]; then
        PASSES=$NEW_IDENTITY ensure "identity provider" github "" gcloud iam workload-identity-pools providers create-oidc "${place[@]}" \
            --issuer-uri "$GITHUB_TOKENS" --attribute-condition "$condition" --attribute-mapping "google.subject=$(subject_mapping)"
        return
    fi
    if [ "$state" = DELETED ]; then # as whatever it was, which nobody may rely on any more
        RESTORED=yes
        restored "identity provider" providers "${place[@]}"
        if [ -n "$LOOK_ONLY" ]; then return; fi
    fi
    known=$(shown_of attributeCondition providers "${place[@]}")
    if [ "$known" != "$condition" ] && [ -z "$RESTORED" ]; then
        note wrong "identity provider" "github trusts another repository: if that may go, gcloud iam workload-identity-pools providers delete ${place[*]}, then bootstrap"
        return
    fi
    known="$known $(shown_of oidc.issuerUri providers "${place[@]}") $(shown_of "attributeMapping['google.subject']" providers "${place[@]}")"
    if [ "$known" != "$condition $GITHUB_TOKENS $(subject_mapping)" ]; then
        mapping=$(whole_mapping "${place[@]}")
        mend "identity provider" "github takes other tokens than it should" "github: this repository's tokens alone" \
            gcloud iam workload-identity-pools providers update-oidc "${place[@]}" \
            --issuer-uri "$GITHUB_TOKENS" --attribute-condition "$condition" --attribute-mapping "$mapping"
    elif [ "$state" = ACTIVE ]; then
        note there "identity provider" github
    fi
}

whole_mapping() { # PLACE...: ours and the attributes that a team has added, as gcloud takes all at once
    local told added
    told=$(gcloud iam workload-identity-pools providers describe "$@" --format='json(attributeMapping)') ||
        die "the identity provider cannot be read, and was not changed; run bootstrap again"
    added=$("$CD4ML_PYTHON" -c 'import json, sys
for name, value in (json.load(sys.stdin) or {}).get("attributeMapping", {}).items():
    if name != "google.subject": print(end=f"@;@{name}={value}")' < <(printf '%s' "$told"))
    printf '%sgoogle.subject=%s%s' "${added:+^@;@^}" "$(subject_mapping)" "$added"
}

shown_of() { # FIELD KIND PLACE...: of a pool, or of a provider where KIND is providers; nothing where there is none
    # shellcheck disable=SC2086 # KIND is a word or none
    gcloud iam workload-identity-pools $2 describe "${@:3}" --format="value($1)" 2>/dev/null || true
}

restored() { # WHAT KIND PLACE...: undelete it, and wait until Google has done so, as nothing deleted can be updated
    local tries=0
    mend "$1" "$3 was deleted, and its name is kept for 30 days" "$3, restored" \
        gcloud iam workload-identity-pools ${2:+"$2"} undelete "${@:3}"
    if [ -n "$DRY_RUN$LOOK_ONLY" ]; then return; fi
    until [ "$(shown_of state "${@:2}")" = ACTIVE ]; do
        tries=$((tries + 1))
        if [ "$tries" -ge 12 ]; then die "$1 $3 is not restored yet: run bootstrap again in a minute"; fi
        sleep "${INSIST_PAUSE:-5}"
    done
}
