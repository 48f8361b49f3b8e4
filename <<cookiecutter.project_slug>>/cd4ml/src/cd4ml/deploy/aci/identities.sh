# shellcheck shell=bash
# Who there is in Azure: an identity for the service, app registrations for GitHub's jobs, and the trust they sign in by.

identities() {
    local who known app
    # What is known is asked on a line of its own: where Azure cannot be asked that ends the run.
    known=$(runtime_principal)
    ensure identity "$(account_id runtime)" "$known" \
        az identity create --name "$(account_id runtime)" "${IN_GROUP[@]}" --location "$AZURE_LOCATION" --output none
    for who in reader trainer deployer; do
        known=$(app_of $who)
        ensure identity "$(account_id $who)" "$known" \
            az ad app create --display-name "$(account_id $who)" --sign-in-audience AzureADMyOrg --output none
        known=$(principal_of $who)
        app=$(app_of_or_name $who)
        ensure "its principal" "$(account_id $who)" "$known" az ad sp create --id "$app" --output none
    done
}

once() { # FILE COMMAND...: ask once in a run, and again while there is no answer
    local file="$WORK/$1"
    if ! grep -q . "$file" 2>/dev/null; then "${@:2}" >"$file" || return; fi
    cat "$file"
}

app_of() { # WHO: the number of its app registration; nothing where there is none
    once "app-$1" shown az ad app list --display-name "$(account_id "$1")" --query "[?displayName=='$(account_id "$1")'].appId | [0] || ''"
}

app_of_or_name() { # WHO: the same; where it is not made yet, as --dry-run leaves it, words for it
    local app
    app=$(app_of "$1") || return # which `set -e` does not do in a $( )
    printf '%s' "${app:-APP-OF-$(account_id "$1")}"
}

principal_of() { # WHO: what roles are given to
    local app
    if [ "$1" = runtime ]; then
        runtime_principal
        return
    fi
    app=$(app_of "$1") || return
    if [ -z "$app" ]; then return; fi
    once "principal-$1" shown az ad sp list --filter "appId eq '$app'" --query "[0].id || ''"
}

runtime_principal() {
    once principal-runtime shown az identity show --name "$(account_id runtime)" "${IN_GROUP[@]}" --query principalId
}

trust() { # let this repository's workflows, by the environment they run in, sign in without a key
    local who environment known app parameters issuer=https://token.actions.githubusercontent.com
    repository
    for who in reader trainer deployer; do
        known=""
        app=$(app_of $who)
        if [ -n "$app" ]; then
            known=$(shown az ad app federated-credential list --id "$app" --query "[].join(' ', [name, issuer, subject])")
        fi
        app=$(app_of_or_name $who)
        for environment in $(environments_of $who); do
            parameters="{\"name\": \"$environment\", \"issuer\": \"$issuer\", \"subject\": \"$SUBJECT:environment:$environment\", \"audiences\": [\"api://AzureADTokenExchange\"]}"
            if printf '%s\n' "$known" | grep "^$environment " | grep -Fxqv "$environment $issuer $SUBJECT:environment:$environment"; then
                note wrong trust "$environment is another repository's: az ad app federated-credential delete --id $app --federated-credential-id $environment"
                continue
            fi
            ensure trust "environment $environment is $who" "$(printf '%s\n' "$known" | grep "^$environment " || true)" \
                az ad app federated-credential create --id "$app" --parameters "$parameters" --output none
        done
    done
}
