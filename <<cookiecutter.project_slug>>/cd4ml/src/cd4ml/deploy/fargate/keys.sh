# shellcheck shell=bash disable=SC2034 # any-cloud/keys.sh uses these
# Access keys of users, the service's own keys in Secrets Manager, and what GitHub is told of both.

KEY_SECRETS="AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY"

dates_of_keys() { # WHO: date and name of each, oldest first; none where there is no such user
    case $FRESH in *" $(account_id "$1") "*) return ;; esac
    aws iam list-access-keys --user-name "$(account_id "$1")" \
        --query 'sort_by(AccessKeyMetadata,&CreateDate)[].[CreateDate,AccessKeyId]' --output text 2>"$WORK/dates" ||
        grep -q '(NoSuchEntity)' "$WORK/dates" || die "the keys of $(account_id "$1") cannot be listed: $(said "$WORK/dates")"
}

keys_of() { dates_of_keys "$1" | awk '{print $2}'; } # WHO: their names, oldest first

old_keys_of() { # WHO: those of more than 90 days
    local until
    until=$(date -u -d '90 days ago' +%Y-%m-%d 2>/dev/null || date -u -v-90d +%Y-%m-%d)
    dates_of_keys "$1" | awk -v until="$until" '$1 < until {print $2}'
}

make_key() { # WHO
    local told command=(aws iam create-access-key --user-name "$(account_id "$1")")
    if [ -n "$DRY_RUN" ]; then
        change "${command[@]}"
        return
    fi
    told=$(insist "${command[@]}" --query 'AccessKey.[AccessKeyId,SecretAccessKey]' --output text) || return
    printf '%s\n' "${told%%$'\t'*}" >"$KEY_FOLDER/$1/AWS_ACCESS_KEY_ID"
    printf '%s\n' "${told#*$'\t'}" >"$KEY_FOLDER/$1/AWS_SECRET_ACCESS_KEY"
}

remove_key() { # WHO NAME
    change aws iam delete-access-key --user-name "$(account_id "$1")" --access-key-id "$2"
}

refuse_where_keys_are_forbidden() { :; } # an organisation's policies cannot be asked; where one forbids, making a key fails

variables_of_the_cloud() {
    the_account
    variable AWS_REGION "$AWS_REGION"
    variable AWS_ACCOUNT_ID "$ACCOUNT"
}

variables_of_identity() { # WHO ENVIRONMENT
    if [ "$CREDENTIALS" = oidc ]; then variable AWS_ROLE "$(role_arn "$1")" "$2"; fi
}

# the keys that clients of the service send

api_keys() { aws secretsmanager get-secret-value "${IN_REGION[@]}" --secret-id "$(secret_name)" --query SecretString --output text; }

how_to_read_api_keys() {
    printf 'aws secretsmanager get-secret-value --region %s --secret-id %s --query SecretString --output text' "$AWS_REGION" "$(secret_name)"
}

set_api_keys() { # VALUE
    change_with "$1" aws secretsmanager put-secret-value "${IN_REGION[@]}" --secret-id "$(secret_name)" --secret-string file:///dev/stdin \
        --query Name --output text ||
        die "$(secret_name) could not be written"
}

forget_earlier_api_keys() { # a version without a label cannot be read any more, and AWS deletes it
    local version
    version=$(aws secretsmanager list-secret-version-ids "${IN_REGION[@]}" --secret-id "$(secret_name)" --output text \
        --query "Versions[?contains(VersionStages, 'AWSPREVIOUS')].VersionId")
    if [ -z "$version" ]; then return; fi
    change aws secretsmanager update-secret-version-stage "${IN_REGION[@]}" --secret-id "$(secret_name)" \
        --version-stage AWSPREVIOUS --remove-from-version-id "$version" --query Name --output text
}
