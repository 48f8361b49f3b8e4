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

NO_ENVIRONMENTS="" # whether the repository can have none

look_at_environments() { # a private repository on GitHub Free has none: GitHub answers 404 there to who may read the rest
    command -v gh >/dev/null || return 0
    if gh api --silent 'repos/{owner}/{repo}/environments' 2>"$WORK/environments"; then return; fi
    grep -q 'HTTP 404' "$WORK/environments" || return 0 # nobody is signed in: where that matters, `repository` says so
    if [ "$(gh api 'repos/{owner}/{repo}' --jq .private 2>/dev/null || true)" != true ]; then return; fi
    NO_ENVIRONMENTS=yes
    say "GitHub has no environments for this private repository (plan Free). So one identity, the deployer, works for all jobs,"
    say "every branch can use its credentials, and nobody is asked before production: cd4ml/docs/github.md"
}

place() { # ENVIRONMENT: read PLACE, how gh is told of it; "repository" is the repository itself
    PLACE=()
    if [ "$1" != repository ]; then PLACE=(--env "$1"); fi
}

subject_of() { # ENVIRONMENT: how GitHub's tokens name a job there; with no environments, one of the default branch
    if [ "$1" = repository ]; then printf '%s:ref:refs/heads/%s' "$SUBJECT" "$DEFAULT_BRANCH"; else printf '%s:environment:%s' "$SUBJECT" "$1"; fi
}

tell_github() { # environments, variables and secrets of the repository
    local name who environment
    repository
    if [ -z "$NO_ENVIRONMENTS" ]; then
        for name in reader trainer staging approval production; do github_environment "$name"; done
    fi
    variables_of_the_cloud
    if [ "${CD4ML_PREDICTION_LOG:-off}" = bucket ]; then variable PREDICTION_LOG "$(log_for_reading)/production"; fi
    for who in $(signing_in); do
        for environment in $(environments_of "$who"); do
            variables_of_identity "$who" "$environment"
            if [ "$CREDENTIALS" = service-account ]; then key_secrets "$who" "$environment"; fi
        done
        # once GitHub has it, the key is nowhere else
        if [ -z "$DRY_RUN" ]; then rm -rf "${KEY_FOLDER:?}/$who"; fi
    done
    for environment in $(environments_of deployer); do
        if has_line "$(secrets_known "$environment")" SERVICE_API_KEYS; then
            note there "GitHub secret" "SERVICE_API_KEYS in $environment"
        else
            api_key_secret "$environment"
            note made "GitHub secret" "SERVICE_API_KEYS in $environment"
        fi
    done
    if [ -z "$NO_ENVIRONMENTS" ]; then
        printf 'still yours to say: who approves, in %s\n' "https://github.com/$REPOSITORY/settings/environments" >&2
    fi
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

variable() { # NAME VALUE [ENVIRONMENT]
    local known
    place "${3:-repository}"
    known=$(gh variable list --repo "$REPOSITORY" ${PLACE[@]+"${PLACE[@]}"} --json name,value --jq '.[] | .name + "=" + .value' 2>/dev/null | grep -Fx "$1=$2" || true)
    ensure "GitHub variable" "$1${3:+ in $3}" "$known" gh variable set "$1" --repo "$REPOSITORY" ${PLACE[@]+"${PLACE[@]}"} --body "$2"
}

secrets_known() { # ENVIRONMENT
    place "$1"
    gh secret list --repo "$REPOSITORY" ${PLACE[@]+"${PLACE[@]}"} --json name --jq '.[].name' 2>/dev/null || true
}

api_key_secret() { # ENVIRONMENT: what the smoke test asks with
    local value=""
    if [ -z "$DRY_RUN" ]; then
        value=$(api_keys) || die "the API keys cannot be read: $SCRIPT doctor"
    fi
    place "$1"
    change_with "$value" gh secret set SERVICE_API_KEYS --repo "$REPOSITORY" ${PLACE[@]+"${PLACE[@]}"} || die "SERVICE_API_KEYS could not be set in $1"
}
