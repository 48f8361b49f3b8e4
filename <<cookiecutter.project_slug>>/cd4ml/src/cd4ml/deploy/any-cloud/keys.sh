# shellcheck shell=bash
# The keys that GitHub's jobs sign in with, where they need any, and the keys that clients of the service send.
#
#   reader    reads data and models: ci, and the build in cd
#   trainer   writes them, and reads the prediction log: ct, monitor
#   deployer  pushes images and deploys: the environments staging and production
#   runtime   the service itself: adds to the prediction log, reads its own keys

KEY_FOLDER="${XDG_CONFIG_HOME:-${HOME:-.}/.config}/$SLUG-keys" # in it a folder for each identity, and a file for each secret

signing_in() { # the identities that GitHub's jobs sign in as
    if [ -n "$NO_ENVIRONMENTS" ]; then printf deployer; else printf 'reader trainer deployer'; fi
}

works_as() { # IDENTITY: who has its roles: with no environments, the deployer works for all
    case $NO_ENVIRONMENTS$1 in
    yesreader | yestrainer) printf deployer ;;
    *) printf '%s' "$1" ;;
    esac
}

environments_of() { # IDENTITY: the GitHub environments that sign in as it; "repository" where there are none
    case $NO_ENVIRONMENTS$1 in
    yes*) printf repository ;;
    deployer) printf 'staging production' ;;
    *) printf '%s' "$1" ;;
    esac
}

purpose() { # IDENTITY
    case $1 in
    reader) printf '%s: reads data and models' "$SLUG" ;;
    trainer) printf '%s: writes data and models' "$SLUG" ;;
    deployer) printf '%s: pushes images and deploys' "$SLUG" ;;
    runtime) printf '%s: what the service runs as' "$SLUG" ;;
    esac
}

keys() { # a key for each, where there is none
    local who known old
    for who in $(signing_in); do
        known=$(keys_of "$who")
        if [ -n "$known" ]; then
            note there key "$(account_id "$who")"
            old=$(old_keys_of "$who")
            if [ -n "$old" ]; then
                note old key "$(account_id "$who") is older than 90 days: $SCRIPT rotate credentials"
            fi
        elif [ -n "$LOOK_ONLY" ]; then
            note missing key "$(account_id "$who")"
        else
            key_into_folder "$who" || give_up $? "no key for $who: where keys are forbidden, $SCRIPT bootstrap --credentials oidc"
            note made key "$(account_id "$who")"
        fi
    done
}

key_into_folder() { # WHO: readable by you alone
    if [ -z "$DRY_RUN" ]; then
        (umask 077 && mkdir -p "$KEY_FOLDER/$1")
    fi
    (umask 077 && make_key "$1")
}

key_secrets() { # WHO ENVIRONMENT: tell GitHub the key; on one line, or GitHub could not mask it
    local name file
    place "$2"
    for name in $KEY_SECRETS; do
        file="$KEY_FOLDER/$1/$name"
        if [ -f "$file" ]; then
            change_with "$(tr -d '\n' <"$file")" gh secret set "$name" --repo "$REPOSITORY" ${PLACE[@]+"${PLACE[@]}"} ||
                die "$name could not be set in $2; the key is kept in $file"
            note made "GitHub secret" "$name in $2"
        elif has_line "$(secrets_known "$2")" "$name"; then
            note there "GitHub secret" "$name in $2"
        elif [ -n "$DRY_RUN" ]; then
            change gh secret set "$name" --repo "$REPOSITORY" ${PLACE[@]+"${PLACE[@]}"}
        else
            note wrong "GitHub secret" "$name in $2, and its key is not here: $SCRIPT rotate credentials --set-secrets"
        fi
    done
}

what_github_needs() { # without --set-secrets: where the keys are, and how GitHub gets them
    local who environment name file
    if [ "$CREDENTIALS" = service-account ]; then
        for who in $(signing_in); do
            if [ ! -d "$KEY_FOLDER/$who" ]; then continue; fi
            for environment in $(environments_of "$who"); do
                for name in $KEY_SECRETS; do
                    file="$KEY_FOLDER/$who/$name"
                    if [ ! -f "$file" ]; then continue; fi
                    place "$environment"
                    printf "tr -d '\\\\n' < %q | gh secret set %s\n" "$file" "$name${PLACE[0]:+ ${PLACE[*]}}"
                done
            done
            printf 'rm -r %q\n' "$KEY_FOLDER/$who"
        done
    fi
    printf 'or set all of it on GitHub: %s bootstrap --credentials %s --set-secrets\n' "$SCRIPT" "$CREDENTIALS"
}

random_key() { head -c 30 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n='; }
