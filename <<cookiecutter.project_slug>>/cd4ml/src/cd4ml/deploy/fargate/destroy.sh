# shellcheck shell=bash disable=SC2034 # any-cloud/destroy.sh uses these
# What is to be removed from AWS.

ABSENT='NoSuchEntity|NoSuchBucket|NotFound|not found|does not exist|ServiceNotActive'

whole_cloud() { printf 'AWS, %s' "$AWS_REGION"; }

what_goes() {
    ask_for_account
    goes account "$ACCOUNT"
    goes services "$(service_name staging), $(service_name production), and the cluster $SLUG"
    goes registry "$SLUG, with all images"
    goes bucket "s3://$(bucket_name dvc), with all data and models"
    goes bucket "s3://$(bucket_name predictions), with all predictions"
    goes secret "$(secret_name)"
    goes identities "$SLUG-reader, -trainer, -deployer, -runtime, -execution, -infrastructure, their policies and keys"
    if made_provider; then
        goes trust "the account's identity provider $GITHUB_TOKENS, which this project made: other projects may use it by now"
    fi
}

remove_everything() {
    local who
    for who in staging production; do gone aws ecs delete-express-gateway-service "${IN_REGION[@]}" --service-arn "$(service_arn $who)"; done
    if [ -z "$DRY_RUN" ]; then # with a service in it, a cluster stays
        for who in staging production; do wait_until_gone $who; done
    fi
    gone aws ecs delete-cluster "${IN_REGION[@]}" --cluster "$SLUG"
    for who in reader trainer deployer; do remove_user $who; done
    for who in reader trainer deployer; do remove_policy $who; done
    for who in reader trainer deployer runtime execution infrastructure; do remove_role $who; done
    gone aws secretsmanager delete-secret "${IN_REGION[@]}" --secret-id "$(secret_name)" --force-delete-without-recovery
    gone aws ecr delete-repository "${IN_REGION[@]}" --repository-name "$SLUG" --force
    remove_bucket dvc
    remove_bucket predictions
    if made_provider; then gone aws iam delete-open-id-connect-provider --open-id-connect-provider-arn "$(provider_arn)"; fi
}

may_have() { # WHO: whose policies it may have: with no environments, the deployer works for all
    case $1 in
    deployer) printf 'reader trainer deployer' ;;
    *) printf '%s' "$1" ;;
    esac
}

remove_user() { # WHO
    local name known key policy
    name=$(account_id "$1")
    known=$(keys_of "$1") || NOT_GONE=yes
    for key in $known; do gone aws iam delete-access-key --user-name "$name" --access-key-id "$key"; done
    for policy in $(may_have "$1"); do
        gone aws iam detach-user-policy --user-name "$name" --policy-arn "$(policy_arn "$policy")"
        gone aws iam delete-user-policy --user-name "$name" --policy-name "$policy" # of an earlier version of this script
    done
    gone aws iam delete-user --user-name "$name"
}

remove_policy() { # WHO: once no user has it
    local arn known version
    arn=$(policy_arn "$1")
    if ! known=$(other_versions "$arn"); then
        tail -n 2 "$WORK/versions" >&2
        NOT_GONE=yes
    fi
    for version in $known; do gone aws iam delete-policy-version --policy-arn "$arn" --version-id "$version"; done
    gone aws iam delete-policy --policy-arn "$arn"
}

remove_bucket() { # KIND: with what it holds; earlier versions, which somebody has asked for, only people remove
    gone aws s3 rb "${IN_REGION[@]}" --force "s3://$(bucket_name "$1")"
    if grep -qs BucketNotEmpty "$WORK/gone"; then
        say "fargate: s3://$(bucket_name "$1") has versioning, and holds earlier versions still: S3's console, Empty, and then run this again"
    fi
}

remove_role() { # WHO
    local name policy
    name=$(account_id "$1") policy=$(managed_policy "$1")
    if [ -n "$policy" ]; then gone aws iam detach-role-policy --role-name "$name" --policy-arn "$policy"; fi
    for policy in $(may_have "$1"); do gone aws iam delete-role-policy --role-name "$name" --policy-name "$policy"; done
    gone aws iam delete-role --role-name "$name"
}
