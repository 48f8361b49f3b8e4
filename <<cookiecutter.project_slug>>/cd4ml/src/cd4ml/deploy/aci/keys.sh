# shellcheck shell=bash disable=SC2034 # any-cloud/keys.sh uses these
# Keys of app registrations, the service's own keys, and what GitHub is told of both.

KEY_SECRETS=AZURE_CLIENT_SECRET

credentials_of() { # WHO [CONDITION]: the keys that there are, oldest first
    local app
    app=$(app_of "$1") || return
    if [ -z "$app" ]; then return; fi
    shown az ad app credential list --id "$app" --query "sort_by([], &startDateTime)[].join(' ', [startDateTime, keyId])"
}

keys_of() { credentials_of "$1" | awk '{print $2}'; } # WHO

old_keys_of() { # WHO: those of more than 90 days
    local limit
    limit=$(date -u -d '-90 days' +%Y-%m-%d 2>/dev/null || date -u -v-90d +%Y-%m-%d) # GNU's date, or a Mac's
    credentials_of "$1" | awk -v limit="$limit" '$1 < limit {print $2}'
}

make_key() { # WHO: for a year
    local app file="$KEY_FOLDER/$1/AZURE_CLIENT_SECRET"
    app=$(object_of "$1") || return
    if [ -n "$DRY_RUN" ]; then
        change az ad app credential reset --id "$app" --append --years 1 --display-name "$SLUG" --query password --output none
        return
    fi
    insist az ad app credential reset --id "$app" --append --years 1 --display-name "$SLUG" --query password --output tsv >"$file.new" &&
        mv "$file.new" "$file"
}

remove_key() { # WHO NAME
    local app
    app=$(app_of "$1") || return
    change az ad app credential delete --id "$app" --key-id "$2"
}

refuse_where_keys_are_forbidden() { # before anything is made; a tenant that does not tell is found out by the first key
    local forbidden
    forbidden=$(az rest --method get --url "$(graph)/policies/defaultAppManagementPolicy" --output tsv --query \
        "isEnabled && applicationRestrictions.passwordCredentials[?restrictionType=='passwordAddition'] | [0].restrictionType" 2>/dev/null || true)
    if [ "$forbidden" = passwordAddition ]; then
        die "the organisation forbids keys (passwordAddition): $SCRIPT bootstrap --credentials oidc"
    fi
}

variables_of_the_cloud() {
    subscription
    variable AZURE_TENANT_ID "$TENANT"
    variable AZURE_SUBSCRIPTION_ID "$SUBSCRIPTION"
    variable AZURE_LOCATION "$AZURE_LOCATION"
    variable AZURE_RESOURCE_GROUP "$AZURE_RESOURCE_GROUP"
    variable AZURE_REGISTRY "$(registry_name).azurecr.io"
}

variables_of_identity() { # WHO ENVIRONMENT
    local app
    app=$(app_of_or_name "$1") || return
    variable AZURE_CLIENT_ID "$app" "$2"
}

# The keys that clients of the service send. Azure holds them in the container group and tells them to nobody, nor does
# GitHub: this file, readable by you alone, is where they are read from when they rotate.

key_file_name() { printf '%s/service/SERVICE_API_KEYS' "$KEY_FOLDER"; }

key_file() { # $SERVICE_API_KEYS, or a random one
    local file known=""
    file=$(key_file_name)
    if [ -s "$file" ] || [ -n "${SERVICE_API_KEYS:-}" ]; then known=there; fi
    if [ -z "$known" ] && [ -z "$LOOK_ONLY" ]; then
        look production
        if [ -n "$EXISTS" ]; then # a new key would lock out everybody who has one
            note wrong "API keys" "are not on this machine, though $SERVICE has some: bring $file, or export SERVICE_API_KEYS"
            return
        fi
    fi
    ensure "API keys" "$file" "$known" write_api_keys "${SERVICE_API_KEYS:-}"
}

write_api_keys() { # VALUE: a random key where it is empty
    local file
    file=$(key_file_name)
    (umask 077 && mkdir -p "${file%/*}" && printf '%s\n' "${1:-$(random_key)}" >"$file.new") && mv "$file.new" "$file"
}

api_keys() {
    if [ -n "${SERVICE_API_KEYS:-}" ]; then
        printf '%s' "$SERVICE_API_KEYS"
    else
        tr -d '\n' 2>/dev/null <"$(key_file_name)"
    fi
}

how_to_read_api_keys() { printf 'cat %q' "$(key_file_name)"; }

set_api_keys() { # VALUE
    if [ -n "${SERVICE_API_KEYS:-}" ]; then die "unset SERVICE_API_KEYS first: keys rotate in $(key_file_name)"; fi
    if [ -n "$DRY_RUN" ]; then
        printf '# a new %s\n' "$(key_file_name)"
        return
    fi
    write_api_keys "$1" || die "$(key_file_name) could not be written"
}

forget_earlier_api_keys() { :; } # the file holds what it was told last, and nothing else does
