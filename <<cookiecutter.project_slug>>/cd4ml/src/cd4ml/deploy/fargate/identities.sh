# shellcheck shell=bash
# Who may do what in AWS: users or roles for GitHub's jobs, and the roles that the service and ECS itself run as.
#
#   runtime         the service itself
#   execution       what starts it: pulls the image, reads the keys, writes the log
#   infrastructure  ECS, for the load balancer, its certificate, alarms and scaling

managed_policy() { # WHO: a policy of AWS's own, where one says what is needed
    case $1 in
    execution) printf 'arn:%s:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy' "$PARTITION" ;;
    infrastructure) printf 'arn:%s:iam::aws:policy/service-role/AmazonECSInfrastructureRoleforExpressGatewayServices' "$PARTITION" ;;
    esac
}

identities() {
    local who
    for who in $(signing_in); do
        if [ "$CREDENTIALS" = oidc ]; then role "$who" github; else user "$who"; fi
    done
    if [ -n "$NO_ENVIRONMENTS" ]; then
        for who in reader trainer; do if [ "$CREDENTIALS" = oidc ]; then may_as_role $who; else may_as_user $who; fi; done
    fi
    role runtime tasks
    role execution tasks
    role infrastructure ecs
}

user() { # WHO
    local name known
    name=$(account_id "$1")
    known=$(aws iam get-user --user-name "$name" --query User.UserName --output text 2>/dev/null || true)
    ensure identity "$name" "$known" aws iam create-user --user-name "$name" --tags "Key=project,Value=$SLUG" --query User.Arn --output text
    may_as_user "$1"
}

role() { # WHO TRUST: trusted as policies/trust-TRUST.json says
    local name known trust managed
    name=$(account_id "$1")
    trust=$(policy "trust-$2" "$1")
    known=$(aws iam get-role --role-name "$name" --query Role.AssumeRolePolicyDocument --output json 2>/dev/null || true)
    ensure identity "$name" "$known" aws iam create-role --role-name "$name" --assume-role-policy-document "$trust" \
        --tags "Key=project,Value=$SLUG" --query Role.Arn --output text
    if [ -n "$known" ] && ! same_json "$known" "$trust"; then
        mend trust "$name is trusted to others than it should" "$name: trusted as policies/trust-$2.json says" aws iam update-assume-role-policy --role-name "$name" --policy-document "$trust"
    fi
    if [ -f "$HERE/fargate/policies/$1.json" ]; then may_as_role "$1"; fi
    managed=$(managed_policy "$1")
    if [ -n "$managed" ]; then attach "$1" "$managed"; fi
}

# IAM allows 10,240 characters for all inline policies of a role: those of reader, trainer and deployer together fit.
may_as_role() { # WHO: exactly what policies/WHO.json says
    local name known policy
    name=$(account_id "$(works_as "$1")")
    policy=$(policy "$1")
    known=$(aws iam get-role-policy --role-name "$name" --policy-name "$1" --query PolicyDocument --output json 2>/dev/null || true)
    if [ -n "$known" ] && ! same_json "$known" "$policy"; then
        mend policy "$name has another policy" "$name: policies/$1.json again" aws iam put-role-policy --role-name "$name" --policy-name "$1" --policy-document "$policy"
    else
        ensure policy "$name: policies/$1.json" "$known" aws iam put-role-policy --role-name "$name" --policy-name "$1" --policy-document "$policy"
    fi
}

# It allows a user 2,048, and the deployer's alone can have more: users get policies of the account's own, 6,144 each.
may_as_user() { # WHO: exactly what policies/WHO.json says
    local name known arn
    name=$(account_id "$(works_as "$1")") arn=$(policy_arn "$1")
    customer_policy "$1" "$arn"
    known=$(aws iam list-attached-user-policies --user-name "$name" --query 'AttachedPolicies[].[PolicyArn]' --output text 2>/dev/null | grep -Fx "$arn" || true)
    # policy/NAME, as ensure adds these words to FRESH: NAME alone would be a new user
    ensure attachment "$name: ${arn##*:}" "$known" aws iam attach-user-policy --user-name "$name" --policy-arn "$arn"
    known=$(aws iam list-user-policies --user-name "$name" --query 'PolicyNames[].[@]' --output text 2>/dev/null | grep -Fx "$1" || true)
    if [ -n "$known" ]; then # what an earlier version of this script made
        mend policy "$name has an inline policy, $1, beside ${arn##*:}" "$name: without the inline policy $1" \
            aws iam delete-user-policy --user-name "$name" --policy-name "$1"
    fi
}

customer_policy() { # WHO ARN: a policy of the account's own, which says what policies/WHO.json says
    local name policy version known=""
    name=$(account_id "$1") policy=$(policy "$1")
    version=$(aws iam get-policy --policy-arn "$2" --query Policy.DefaultVersionId --output text 2>/dev/null || true)
    if [ -n "$version" ]; then
        known=$(insist aws iam get-policy-version --policy-arn "$2" --version-id "$version" --query PolicyVersion.Document --output json) ||
            give_up $? "the policy $name cannot be read, and was not changed (above is why)"
    fi
    if [ -n "$version" ] && ! same_json "$known" "$policy"; then
        if [ -z "$LOOK_ONLY" ]; then make_room "$2"; fi
        mend policy "$name has another policy" "$name: policies/$1.json again" aws iam create-policy-version --policy-arn "$2" --policy-document "$policy" --set-as-default
    else
        ensure policy "$name: policies/$1.json" "$version" aws iam create-policy --policy-name "$name" --policy-document "$policy" \
            --tags "Key=project,Value=$SLUG" --query Policy.Arn --output text
    fi
}

make_room() { # ARN: a policy has five versions at most
    local versions oldest
    versions=$(other_versions "$1") || die "the versions of $1 cannot be listed, and it was not changed: $(said "$WORK/versions")"
    if [ "$(printf '%s\n' "$versions" | wc -l)" -lt 4 ]; then return; fi
    oldest=$(printf '%s\n' "$versions" | awk '{number = substr($1, 2) + 0} NR == 1 || number < least {least = number} END {print "v" least}')
    insist change aws iam delete-policy-version --policy-arn "$1" --version-id "$oldest" || give_up $? "the version $oldest of $1 could not be removed (above is why)"
}

other_versions() { # ARN: those that are not in force; none where there is no such policy
    aws iam list-policy-versions --policy-arn "$1" --query 'Versions[?!IsDefaultVersion].[VersionId]' --output text 2>"$WORK/versions" ||
        grep -q '(NoSuchEntity)' "$WORK/versions"
}

attach() { # WHO POLICY: one of AWS's own
    local name known
    name=$(account_id "$1")
    known=$(aws iam list-attached-role-policies --role-name "$name" --query 'AttachedPolicies[].[PolicyArn]' --output text 2>/dev/null | grep -Fx "$2" || true)
    ensure policy "$name: ${2##*/}" "$known" aws iam attach-role-policy --role-name "$name" --policy-arn "$2"
}

policy() { # NAME [WHO]: policies/NAME.json with this project's names
    local subjects="" environment
    if [ "$1" = trust-github ]; then
        for environment in $(environments_of "$2"); do subjects="$subjects${subjects:+\", \"}$(subject_of "$environment")"; done
    fi
    sed -e "s|@PARTITION@|$PARTITION|g; s|@REGION@|$AWS_REGION|g; s|@ACCOUNT@|$ACCOUNT|g; s|@SLUG@|$SLUG|g" \
        -e "s|@PRODUCTION@|$(service_name production)|g; s|@STAGING@|$(service_name staging)|g" \
        -e "s|@DVC@|$(bucket_name dvc)|g; s|@PREDICTIONS@|$(bucket_name predictions)|g; s|@BUCKET@|${BUCKET:-}|g" \
        -e "s|@SECRET@|$(secret_name)|g; s|@PROVIDER@|$(provider_arn)|g; s|@SUBJECTS@|$subjects|g" \
        "$HERE/fargate/policies/$1.json"
}

same_json() { # ONE OTHER: whether they say the same, in the same order
    [ -n "$1" ] && [ "$(printf '%s' "$1" | tr -d ' \t\n')" = "$(printf '%s' "$2" | tr -d ' \t\n')" ]
}
