# shellcheck shell=bash
# Tell GitHub: environments, variables, and secrets that go through standard input.

repository() { # REPOSITORY, its numbers and default branch, and SUBJECT: how GitHub's tokens begin, which is asked for and never built
    if [ -n "${REPOSITORY:-}" ]; then return; fi
    command -v gh >/dev/null || die "gh is not here, and the repository's numbers come from GitHub: https://cli.github.com"
    local told
    told=$(gh api 'repos/{owner}/{repo}' --jq '[.full_name, .id, .owner.id, .default_branch] | join(" ")') ||
        die "this folder has no repository on GitHub that you can read: gh repo create, or gh auth login"
    read -r REPOSITORY REPOSITORY_ID OWNER_ID DEFAULT_BRANCH < <(printf '%s\n' "$told")
    if [[ ! "$REPOSITORY_ID $OWNER_ID" =~ ^[0-9]+\ [0-9]+$ ]]; then die "GitHub did not return the numbers of $REPOSITORY"; fi
    SUBJECT=$(gh api "repos/$REPOSITORY/actions/oidc/customization/sub" --jq '.sub_claim_prefix // ""') || SUBJECT=""
    [ -n "$SUBJECT" ] || [ "$CREDENTIALS" != oidc ] || die "GitHub does not return the subject of its tokens (sub_claim_prefix) for $REPOSITORY"
}

tell_github() { # environments, variables and secrets of the repository
    local name who environment
    repository
    for name in reader trainer staging approval production; do github_environment "$name"; done
    variables_of_the_cloud
    if [ "${CD4ML_PREDICTION_LOG:-off}" = bucket ]; then variable PREDICTION_LOG "$(log_for_reading)/production"; fi
    for who in reader trainer deployer; do
        for environment in $(environments_of $who); do
            variables_of_identity $who "$environment"
            if [ "$CREDENTIALS" = service-account ]; then key_secrets $who "$environment"; fi
        done
        # once GitHub has it, the key is nowhere else
        if [ -z "$DRY_RUN" ]; then rm -rf "${KEY_FOLDER:?}/$who"; fi
    done
    for environment in staging production; do
        if has_line "$(secrets_known "$environment")" SERVICE_API_KEYS; then
            note there "GitHub secret" "SERVICE_API_KEYS in $environment"
        else
            api_key_secret "$environment"
            note made "GitHub secret" "SERVICE_API_KEYS in $environment"
        fi
    done
    printf 'still yours to say: who approves, in %s\n' "https://github.com/$REPOSITORY/settings/environments" >&2
}

github_environment() { # NAME: what leads to production only for what is on the default branch
    local address="repos/$REPOSITORY/environments/$1" known rule fields=()
    # a workflow that names an environment makes it too, for any branch
    known=$(gh api "$address" --jq '.deployment_branch_policy | if . == null then "any" elif .protected_branches then "protected" else "custom" end' \
        2>/dev/null | grep -Ex 'any|protected|custom' || true)
    case $1 in
    staging | approval | production)
        fields=(-F 'deployment_branch_policy[protected_branches]=false' -F 'deployment_branch_policy[custom_branch_policies]=true')
        if [ "$known" = any ]; then # what was set by hand stays: the request says all of an environment
            known=""
            while read -r rule; do fields+=(-F "$rule"); done < <(rules_of "$address")
        fi
        ;;
    esac
    ensure environment "$1" "$known" gh api --silent --method PUT "$address" ${fields[@]+"${fields[@]}"}
    if [ "${#fields[@]}" = 0 ] || [ "$known" = protected ]; then return; fi
    known=$(gh api "$address/deployment-branch-policies" --jq '.branch_policies[].name' 2>/dev/null | grep -Fx "$DEFAULT_BRANCH" || true)
    ensure environment "$1 is for $DEFAULT_BRANCH alone" "$known" gh api --silent --method POST "$address/deployment-branch-policies" -f "name=$DEFAULT_BRANCH"
}

rules_of() { # ADDRESS: reviewers and waiting time of an environment, as fields of a request
    gh api "$1" --jq '.protection_rules[]? | if .type == "wait_timer" then "wait_timer=\(.wait_timer)" elif .type == "required_reviewers" then
        "prevent_self_review=\(.prevent_self_review // false)", (.reviewers[] | "reviewers[][type]=\(.type)", "reviewers[][id]=\(.reviewer.id)") else empty end' |
        grep -Ex '(wait_timer|prevent_self_review|reviewers\[\]\[(type|id)\])=[A-Za-z0-9]+' || true
}

variable() { # NAME VALUE [--env ENVIRONMENT]
    local known
    known=$(gh variable list --repo "$REPOSITORY" "${@:3}" --json name,value --jq '.[] | .name + "=" + .value' 2>/dev/null | grep -Fx "$1=$2" || true)
    ensure "GitHub variable" "$1${4:+ in $4}" "$known" gh variable set "$1" --repo "$REPOSITORY" "${@:3}" --body "$2"
}

secrets_known() { # ENVIRONMENT
    gh secret list --repo "$REPOSITORY" --env "$1" --json name --jq '.[].name' 2>/dev/null || true
}

api_key_secret() { # ENVIRONMENT: what the smoke test asks with
    local value=""
    if [ -z "$DRY_RUN" ]; then
        value=$(insist api_keys) || give_up $? "the API keys cannot be read: $SCRIPT doctor"
    fi
    change_with "$value" gh secret set SERVICE_API_KEYS --repo "$REPOSITORY" --env "$1" || die "SERVICE_API_KEYS could not be set in $1"
}
