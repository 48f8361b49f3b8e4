# shellcheck shell=bash disable=SC2034 # the other parts use these names
# What everything is called, and the settings that come from the environment.

# IAM and S3 tell some of their servers of a change later than others; a name that was just removed is busy for minutes.
PASSES='\((NoSuchEntity|EntityTemporarilyUnmodifiable|ConcurrentModification|NoSuchBucket|OperationAborted|RepositoryNotFoundException|ResourceNotFoundException|Throttling(Exception)?|ServiceUnavailable)\)'
ALREADY='\((EntityAlreadyExists|BucketAlreadyOwnedByYou|RepositoryAlreadyExistsException|ResourceExistsException)\)'

check_settings() { # reject values that would not be taken literally by a command or an address
    local name
    AWS_REGION=${AWS_REGION:-} ACCOUNT=""
    [ -n "$AWS_REGION" ] || die "AWS_REGION is not set: export AWS_REGION=eu-west-1, say"
    [[ $AWS_REGION =~ ^[a-z]+(-[a-z]+)+-[0-9]+$ ]] || die "AWS_REGION is not a region, such as eu-west-1"
    FARGATE_PAUSE=${FARGATE_PAUSE:-10} FARGATE_PATIENCE=${FARGATE_PATIENCE:-1200}
    for name in FARGATE_PAUSE FARGATE_PATIENCE; do
        [[ ${!name} =~ ^[0-9]{1,5}$ ]] || die "$name is a whole number of seconds"
    done
    case $AWS_REGION in
    cn-*) PARTITION=aws-cn ;;
    us-gov-*) PARTITION=aws-us-gov ;;
    *) PARTITION=aws ;;
    esac
    IN_REGION=(--region "$AWS_REGION")
    export AWS_PAGER="" # version 2 of aws would show what it prints page by page
}

the_account() { # ACCOUNT: AWS_ACCOUNT_ID, else whose credentials these are
    if [ -n "$ACCOUNT" ]; then return; fi
    ACCOUNT=${AWS_ACCOUNT_ID:-}
    if [ -z "$ACCOUNT" ]; then ask_for_account; fi
    [[ $ACCOUNT =~ ^[0-9]{12}$ ]] || die "AWS_ACCOUNT_ID is not an account's number: 12 digits"
}

ask_for_account() { # whose credentials these are, and whether that is the account that is meant
    ACCOUNT=$(aws sts get-caller-identity "${IN_REGION[@]}" --query Account --output text 2>"$WORK/account") ||
        die "AWS does not know these credentials, and nothing was changed: $(said "$WORK/account")"
    [ "${AWS_ACCOUNT_ID:-$ACCOUNT}" = "$ACCOUNT" ] ||
        die "these credentials are of account $ACCOUNT, and AWS_ACCOUNT_ID is ${AWS_ACCOUNT_ID:0:20}"
}

# The certificate's name, SERVICE.ecs.REGION.on.aws with what AWS may add to SERVICE, has 64 characters at most.
service_name() { # ENV
    case $1 in
    production) short "$SLUG" 28 ;;
    *) short "$SLUG-$1" 28 ;;
    esac
}

account_id() { printf '%s-%s' "$SLUG" "$1"; } # reader, trainer, ...: a user, its policy or a role, 64 characters at most

# the following once the_account is known

service_arn() { printf 'arn:%s:ecs:%s:%s:service/%s/%s' "$PARTITION" "$AWS_REGION" "$ACCOUNT" "$SLUG" "$(service_name "$1")"; }
policy_arn() { printf 'arn:%s:iam::%s:policy/%s' "$PARTITION" "$ACCOUNT" "$(account_id "$1")"; } # of a user's policy
role_arn() { printf 'arn:%s:iam::%s:role/%s' "$PARTITION" "$ACCOUNT" "$(account_id "$1")"; }
secret_name() { printf '%s-api-keys' "$SLUG"; }

bucket_name() { # dvc or predictions: 63 characters at most, and nobody else's in the world
    printf '%s-%s-%s' "$(short "$SLUG" 37)" "$1" "$ACCOUNT"
}

log_for_reading() { printf 's3://%s' "$(bucket_name predictions)"; }
