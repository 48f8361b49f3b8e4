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
        for who in reader trainer; do may "$(if [ "$CREDENTIALS" = oidc ]; then printf role; else printf user; fi)" $who; done
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
    may user "$1"
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
    if [ -f "$HERE/fargate/policies/$1.json" ]; then may role "$1"; fi
    managed=$(managed_policy "$1")
    if [ -n "$managed" ]; then attach "$1" "$managed"; fi
}

may() { # user|role WHO: exactly what policies/WHO.json says
    local name known policy
    name=$(account_id "$(works_as "$2")")
    policy=$(policy "$2")
    known=$(aws iam "get-$1-policy" "--$1-name" "$name" --policy-name "$2" --query PolicyDocument --output json 2>/dev/null || true)
    if [ -n "$known" ] && ! same_json "$known" "$policy"; then
        mend policy "$name has another policy" "$name: policies/$2.json again" aws iam "put-$1-policy" "--$1-name" "$name" --policy-name "$2" --policy-document "$policy"
    else
        ensure policy "$name: policies/$2.json" "$known" aws iam "put-$1-policy" "--$1-name" "$name" --policy-name "$2" --policy-document "$policy"
    fi
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
