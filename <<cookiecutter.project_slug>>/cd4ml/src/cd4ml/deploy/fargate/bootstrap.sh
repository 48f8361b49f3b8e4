# shellcheck shell=bash disable=SC2153 # KNOWN is what rule_set reads
# What a project needs in AWS, in the order in which one needs the other.

walk() {
    ask_for_account
    note there account "$ACCOUNT, $AWS_REGION"
    service_role
    cluster
    registry
    bucket dvc
    bucket predictions
    log_retention
    secret
    if [ "$CREDENTIALS" = oidc ]; then provider; fi
    identities
    if [ "$CREDENTIALS" != oidc ]; then keys; fi
}

service_role() { # what ECS itself runs as: AWS makes it with an account's first cluster, but too late for that cluster
    local known
    known=$(aws iam list-roles --path-prefix /aws-service-role/ecs.amazonaws.com/ --query 'Roles[].[RoleName]' --output text 2>/dev/null || true)
    ALREADY='\(InvalidInput\)' ensure "service role" "ECS's own, for the whole account" "$known" \
        aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com --query Role.RoleName --output text
}

cluster() { # of this project alone: its name is in what the deployer may do
    local known
    known=$(aws ecs describe-clusters "${IN_REGION[@]}" --clusters "$SLUG" --query "clusters[?status=='ACTIVE'].clusterName" --output text 2>/dev/null || true)
    # ECS takes some time to see the role that it runs as
    PASSES="$PASSES|\(InvalidParameterException\)" ensure cluster "$SLUG" "$known" aws ecs create-cluster "${IN_REGION[@]}" --cluster-name "$SLUG" \
        --capacity-providers FARGATE --tags "key=project,value=$SLUG" --query cluster.clusterName --output text
}

# A tag can be moved: it is the bundle's version, and a new image of the same bundle has it too. Deploys go by digest.
registry() { # for the images, of which what production runs and the newest 20 are kept
    local known
    known=$(aws ecr describe-repositories "${IN_REGION[@]}" --repository-names "$SLUG" --query 'repositories[0].repositoryArn' --output text 2>/dev/null || true)
    ensure registry "$SLUG" "$known" aws ecr create-repository "${IN_REGION[@]}" --repository-name "$SLUG" \
        --image-tag-mutability MUTABLE --tags "Key=project,Value=$SLUG" --query repository.repositoryArn --output text
    clean_up
}

clean_up() { # ECR takes all rules at once: those of keep-20.json, and what others added after them
    local put
    told_or_none "the lifecycle rules of the registry $SLUG" '(LifecyclePolicy|Repository)NotFoundException' \
        aws ecr get-lifecycle-policy "${IN_REGION[@]}" --repository-name "$SLUG" --query lifecyclePolicyText --output text
    if ! rule_set ecr "$(cat "$HERE/fargate/keep-20.json")" "$WORK/told"; then
        note wrong "clean-up" "the rules of the registry $SLUG were left as they are: $(tail -n 1 "$WORK/unreadable")"
        return
    fi
    put=(aws ecr put-lifecycle-policy "${IN_REGION[@]}" --repository-name "$SLUG" --lifecycle-policy-text "$RULES" --query repositoryName --output text)
    if [ "$KNOWN" = other ]; then
        mend "clean-up" "the registry $SLUG has other rules" "keep-20.json again" "${put[@]}"
    else
        ensure "clean-up" "all but what production runs and the newest 20 images" "$KNOWN" "${put[@]}"
    fi
}

bucket() { # KIND: closed to the public, and to requests without TLS
    local name known where=()
    name=$(bucket_name "$1")
    known=$(aws s3api get-bucket-location "${IN_REGION[@]}" --bucket "$name" --output text 2>/dev/null || true)
    if [ "$AWS_REGION" != us-east-1 ]; then where=(--create-bucket-configuration "LocationConstraint=$AWS_REGION"); fi
    ensure bucket "s3://$name" "$known" aws s3api create-bucket "${IN_REGION[@]}" --bucket "$name" ${where[@]+"${where[@]}"} --query Location --output text
    if [ -z "$known" ] && [ -n "$LOOK_ONLY" ]; then return; fi
    known=$(aws s3api get-public-access-block "${IN_REGION[@]}" --bucket "$name" --output text \
        --query 'PublicAccessBlockConfiguration.[BlockPublicAcls,IgnorePublicAcls,BlockPublicPolicy,RestrictPublicBuckets]' 2>/dev/null || true)
    if [ "$known" != $'True\tTrue\tTrue\tTrue' ]; then
        mend bucket "s3://$name is not closed to the public" "s3://$name: closed to the public" aws s3api put-public-access-block "${IN_REGION[@]}" --bucket "$name" \
            --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
    fi
    bucket_policy "$name"
}

bucket_policy() { # BUCKET: S3 takes all statements at once: ours, and what others added
    told_or_none "the policy of s3://$1" 'NoSuchBucket(Policy)?' \
        aws s3api get-bucket-policy "${IN_REGION[@]}" --bucket "$1" --query Policy --output text
    rule_set policy "$(BUCKET=$1 policy bucket)" "$WORK/told" ||
        die "the policy of s3://$1 cannot be read, and was not changed: $(tail -n 1 "$WORK/unreadable")"
    if [ "$KNOWN" != same ]; then
        mend bucket "s3://$1 takes requests without TLS" "s3://$1: TLS alone" aws s3api put-bucket-policy "${IN_REGION[@]}" --bucket "$1" --policy "$RULES"
    fi
}

log_retention() { # a rule of the bucket deletes what is old; S3 takes all rules at once
    local name
    name=$(bucket_name predictions)
    told_or_none "the lifecycle rules of s3://$name" 'NoSuch(LifecycleConfiguration|Bucket)' \
        aws s3api get-bucket-lifecycle-configuration "${IN_REGION[@]}" --bucket "$name" --output json
    deletion_rules s3 "s3://$name" "$WORK/told"
    retention "s3://$name" aws s3api put-bucket-lifecycle-configuration "${IN_REGION[@]}" --bucket "$name" --cli-input-json "$RULES"
}

told_or_none() { # WHAT ERRORS COMMAND...: its answer into $WORK/told; nothing where it ends with one of these errors
    if "${@:3}" >"$WORK/told" 2>"$WORK/failed"; then return; fi
    grep -qE "\\(($2)\\)" "$WORK/failed" || die "$1 cannot be read, and were not changed: $(said "$WORK/failed")"
    : >"$WORK/told"
}

secret() { # the keys that clients of the service send; $SERVICE_API_KEYS, or a random one
    local known
    known=$(aws secretsmanager describe-secret "${IN_REGION[@]}" --secret-id "$(secret_name)" --query "$SECRET_OR_GOING" --output text 2>/dev/null || true)
    if [ "$known" = going ]; then # it is described for 7 to 30 days more, and read by nobody
        mend secret "$(secret_name) is to be deleted" "$(secret_name), restored" \
            aws secretsmanager restore-secret "${IN_REGION[@]}" --secret-id "$(secret_name)" --query Name --output text
        return
    fi
    if [ -n "$known" ] || [ -n "$LOOK_ONLY" ]; then
        ensure secret "$(secret_name)" "$known"
        return
    fi
    insist change_with "${SERVICE_API_KEYS:-$(random_key)}" \
        aws secretsmanager create-secret "${IN_REGION[@]}" --name "$(secret_name)" --secret-string file:///dev/stdin --tags "Key=project,Value=$SLUG" \
        --query ARN --output text ||
        give_up $? "the secret $(secret_name) could not be made (above is why)"
    note "$([ -n "$EXISTED" ] && printf there || printf made)" secret "$(secret_name)"
}

look_at_service() { # ENV: a row of doctor's table
    local secrets
    look "$1"
    if [ -z "$EXISTS" ]; then
        note "not yet" service "$SERVICE: cd deploys it"
        return
    fi
    secrets=$(aws ecs describe-express-gateway-service "${IN_REGION[@]}" --service-arn "$ARN" --output text \
        --query 'service.activeConfigurations[].[(primaryContainer.secrets[].name)[0]]' 2>"$WORK/secrets") || cannot_read "$SERVICE" "$WORK/secrets"
    if [ -n "$secrets" ] && printf '%s\n' "$secrets" | grep -qvx SERVICE_API_KEYS; then
        note wrong service "$SERVICE wants no API key, and is open to anybody: deploy it again with $SCRIPT"
    elif [ -n "$PREVIOUS$WANTED" ]; then
        note wrong service "$SERVICE has a release that did not end: $SCRIPT restore $1"
    else
        note there service "$SERVICE $URL"
    fi
}

how_to_keep_data() { printf 'uv run dvc remote add --default storage s3://%s' "$(bucket_name dvc)"; }
