# shellcheck shell=bash
# GitHub as an identity provider, of which an account has one for all its projects.

GITHUB_TOKENS=token.actions.githubusercontent.com

provider_arn() { printf 'arn:%s:iam::%s:oidc-provider/%s' "$PARTITION" "$ACCOUNT" "$GITHUB_TOKENS"; }

provider() { # there may be one already that somebody else made: it is used, and never removed
    local known
    repository
    [[ $SUBJECT =~ ^[A-Za-z0-9@:/._-]+$ ]] || die "GitHub returned a subject that no policy can hold: ${SUBJECT:0:80}"
    known=$(aws iam get-open-id-connect-provider --open-id-connect-provider-arn "$(provider_arn)" --query 'ClientIDList' --output text 2>/dev/null || true)
    ensure "identity provider" "$GITHUB_TOKENS" "$known" aws iam create-open-id-connect-provider --url "https://$GITHUB_TOKENS" \
        --client-id-list sts.amazonaws.com --tags "Key=made-for,Value=$SLUG" --query OpenIDConnectProviderArn --output text
    if [ -n "$known" ] && ! printf '%s' "$known" | grep -qw 'sts\.amazonaws\.com'; then
        mend "identity provider" "$GITHUB_TOKENS does not take tokens for sts.amazonaws.com" "$GITHUB_TOKENS, for sts.amazonaws.com too" \
            aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn "$(provider_arn)" --client-id sts.amazonaws.com
    fi
}

made_provider() { # whether this project made it
    local tag
    tag=$(aws iam list-open-id-connect-provider-tags --open-id-connect-provider-arn "$(provider_arn)" --query "Tags[?Key=='made-for'].Value" --output text 2>"$WORK/tags") ||
        grep -q '(NoSuchEntity)' "$WORK/tags" || die "nobody knows who made the identity provider $GITHUB_TOKENS: $(said "$WORK/tags")"
    [ "$tag" = "$SLUG" ]
}
