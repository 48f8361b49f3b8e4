# shellcheck shell=bash
# New keys beside the old ones first; the old ones go in a second step, when nobody needs them any more.

rotate() { # api-keys|credentials [--finish] [--set-secrets]
    local what=${1:-} finish="" set_secrets="" argument
    for argument in "${@:2}"; do
        case $argument in
        --finish) finish=yes ;;
        --set-secrets) set_secrets=yes ;;
        *) die "rotate takes api-keys or credentials, --finish and --set-secrets" ;;
        esac
    done
    case $what${finish:+-finish} in
    api-keys) add_api_key ;;
    api-keys-finish) keep_newest_api_key ;;
    credentials | credentials-finish) rotate_credentials "$finish" "$set_secrets" ;;
    *) die "rotate takes api-keys or credentials" ;;
    esac
}

add_api_key() { # the new one in front, so that it is what smoke tests send
    local known
    known=$(api_keys) || die "the API keys cannot be read: $SCRIPT bootstrap"
    set_api_keys "$(random_key),$known"
    after_api_keys "give clients the new key, the first one in the secret; then $SCRIPT rotate api-keys --finish"
}

keep_newest_api_key() { # the others stop working with the next deploy
    local known
    known=$(api_keys) || die "the API keys cannot be read: $SCRIPT bootstrap"
    case $known in *,*) ;; *) die "there is one key alone: nothing to finish" ;; esac
    set_api_keys "${known%%,*}"
    forget_earlier_api_keys
    after_api_keys "the old keys stop working with that deploy"
}

after_api_keys() { # WHAT_THEN: running instances keep the keys that they started with
    printf 'set it on GitHub: %s | gh secret set SERVICE_API_KEYS --env production (and staging)\n' "$(how_to_read_api_keys)"
    printf 'next: deploy the release again, so that it reads the keys (rerun cd with force, or deploy and promote its image)\n'
    printf 'then: %s\n' "$1"
}

rotate_credentials() { # FINISH SET_SECRETS
    local who name known untold last
    if [ "$CREDENTIALS" = oidc ]; then
        printf 'with oidc there are no keys to rotate\n'
        return
    fi
    look_at_environments
    # The deployer's turn is last: who was stopped half-way goes on with those that have had none.
    last=$(keys_of deployer)
    untold=$(find "$KEY_FOLDER/reader" "$KEY_FOLDER/trainer" "$KEY_FOLDER/deployer" -type f 2>/dev/null || true)
    if [ -n "$1" ]; then
        if [ -n "$untold" ]; then
            die "GitHub may not know the new keys yet, which are in $KEY_FOLDER still: $SCRIPT rotate credentials --set-secrets sets them there"
        fi
        if [ "$(lines "$last")" -lt 2 ]; then die "$(account_id deployer) has one key alone: nothing to finish"; fi
    elif [ "$(lines "$last")" -gt 1 ] && [ -z "$untold" ]; then
        die "$(account_id deployer) has two keys already: $SCRIPT rotate credentials --finish first"
    fi
    for who in $(signing_in); do
        known=$(keys_of "$who")
        if [ -n "$1" ]; then
            for name in $(printf '%s\n' "$known" | sed '$d'); do remove_key "$who" "$name"; done
        elif [ "$(lines "$known")" -lt 2 ]; then
            key_into_folder "$who" || give_up $? "no new key for $who (above is why); run this again"
        fi
    done
    if [ -n "$1" ]; then return; fi
    if [ -n "$2" ]; then
        tell_github
    else
        what_github_needs
    fi
    printf 'next: run a workflow with the new keys, then %s rotate credentials --finish\n' "$SCRIPT"
}

lines() { printf '%s\n' "$1" | grep -c . || true; } # TEXT
