# shellcheck shell=bash
# Who there is in Azure: an identity for the service, app registrations for GitHub's jobs, and the trust they sign in by.

identities() {
    local who known
    # What is known is asked on a line of its own: where Azure cannot be asked that ends the run.
    known=$(runtime_principal)
    ensure identity "$(account_id runtime)" "$known" \
        az identity create --name "$(account_id runtime)" "${IN_GROUP[@]}" --location "$AZURE_LOCATION" --output none
    for who in $(signing_in); do
        app_registration "$who"
        principal "$who"
    done
}

app_registration() { # WHO: as Graph's lists may lack for a while what was just made, its number is the one that is returned
    local known told
    local make=(az ad app create --display-name "$(account_id "$1")" --sign-in-audience AzureADMyOrg)
    known=$(app_of "$1")
    if [ -n "$known$LOOK_ONLY$DRY_RUN" ]; then
        ensure identity "$(account_id "$1")" "$known" "${make[@]}" --output none
        return
    fi
    told=$(insist "${make[@]}" --query "join(' ', [appId, id])" --output tsv) ||
        give_up $? "identity $(account_id "$1") could not be made (above is why): fix that and run bootstrap again"
    printf '%s\n' "${told% *}" >"$WORK/app-$1"
    printf '%s\n' "${told#* }" >"$WORK/object-$1"
    PASSES=$NEW_IN_GRAPH insist change az rest --method get --url "$(graph)/applications/${told#* }" --output none ||
        give_up $? "identity $(account_id "$1") cannot be read (above is why): run bootstrap again"
    note made identity "$(account_id "$1")"
}

principal() { # WHO: what roles are given to
    local known app told
    known=$(principal_of "$1")
    app=$(app_of_or_name "$1")
    local make=(az rest --method post --url "$(graph)/servicePrincipals" --body "{\"appId\": \"$app\"}")
    if [ -n "$known$LOOK_ONLY$DRY_RUN" ]; then
        ensure "its principal" "$(account_id "$1")" "$known" "${make[@]}" --output none
        return
    fi
    told=$(PASSES=$NEW_IN_GRAPH insist "${make[@]}" --query id --output tsv) ||
        give_up $? "the principal of $(account_id "$1") could not be made (above is why): fix that and run bootstrap again"
    printf '%s\n' "$told" >"$WORK/principal-$1"
    note made "its principal" "$(account_id "$1")"
}

graph() { # Graph's address in this cloud
    local address
    address=$(once graph az cloud show --query endpoints.microsoftGraphResourceId --output tsv) || return
    printf '%s/v1.0' "${address%/}"
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

object_of() { # WHO: the same for what is written: the number by which it is found at once, where this run has made it
    if [ -s "$WORK/object-$1" ]; then cat "$WORK/object-$1"; else app_of_or_name "$1"; fi
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
    local who environment known app subject parameters issuer=https://token.actions.githubusercontent.com
    repository
    for who in $(signing_in); do
        known=""
        app=$(app_of "$who")
        if [ -n "$app" ]; then
            known=$(shown az ad app federated-credential list --id "$app" --query "[].join(' ', [name, issuer, subject])")
        fi
        app=$(app_of_or_name "$who")
        for environment in $(environments_of "$who"); do
            subject=$(subject_of "$environment")
            parameters="{\"name\": \"$environment\", \"issuer\": \"$issuer\", \"subject\": \"$subject\", \"audiences\": [\"api://AzureADTokenExchange\"]}"
            if printf '%s\n' "$known" | grep "^$environment " | grep -Fxqv "$environment $issuer $subject"; then
                note wrong trust "$environment is another repository's: az ad app federated-credential delete --id $app --federated-credential-id $environment"
                continue
            fi
            ensure trust "environment $environment is $who" "$(printf '%s\n' "$known" | grep "^$environment " || true)" \
                az ad app federated-credential create --id "$(object_of "$who")" --parameters "$parameters" --output none
        done
    done
}
