# shellcheck shell=bash disable=SC2034 # the other parts use these names
# What everything is called, and the settings that come from the environment.

# Resource Manager knows an identity or a role that was just made, or a provider that was registered, some time later.
PASSES='\((PrincipalNotFound|RoleDefinitionDoesNotExist|MissingSubscriptionRegistration|AnotherOperationInProgress|TooManyRequests|ServiceUnavailable)\)'
ALREADY='\(RoleAssignmentExists\)'
# Graph copies what it made to its other servers.
NEW_IN_GRAPH="$PASSES"'|"code": ?"(Request_BadRequest|Request_ResourceNotFound|Authorization_RequestDenied)"'

check_settings() { # reject values that would not be taken literally by a command or an address
    AZURE_LOCATION=${AZURE_LOCATION:-} AZURE_RESOURCE_GROUP=${AZURE_RESOURCE_GROUP:-$SLUG}
    [ -n "$AZURE_LOCATION" ] || die "AZURE_LOCATION is not set: export AZURE_LOCATION=westeurope, say (az account list-locations)"
    [[ $AZURE_LOCATION =~ ^[a-z][a-z0-9]*$ ]] || die "AZURE_LOCATION is not a location, such as westeurope"
    [[ $AZURE_RESOURCE_GROUP =~ ^[A-Za-z0-9][A-Za-z0-9_-]{0,89}$ ]] ||
        die "AZURE_RESOURCE_GROUP is not a resource group's name: letters, digits, hyphens and underscores"
    [[ ${AZURE_SUBSCRIPTION_ID:-0} =~ ^[0-9a-f-]+$ ]] || die "AZURE_SUBSCRIPTION_ID is not a subscription's id (az account list)"
    [[ ${CLOUD_REGISTRY:-a}${AZURE_REGISTRY:-a} =~ ^[a-z0-9.:-]+$ ]] || die "AZURE_REGISTRY is not a registry's host (az acr list)"
    IN_GROUP=(--resource-group "$AZURE_RESOURCE_GROUP")
    export AZURE_CORE_ONLY_SHOW_ERRORS=true AZURE_CORE_NO_COLOR=true
}

subscription() { # read SUBSCRIPTION, TENANT and SUM, a sum that tells this project's global names from everybody's
    if [ -n "${SUM:-}" ]; then return; fi
    local told chosen=() file="$WORK/subscription" # for the subshells, which ask again and again
    if [ -n "${AZURE_SUBSCRIPTION_ID:-}" ]; then chosen=(--subscription "$AZURE_SUBSCRIPTION_ID"); fi
    if [ ! -s "$file" ]; then
        az account show ${chosen[@]+"${chosen[@]}"} --query "join(' ', [id, tenantId])" --output tsv >"$file" ||
            die "no subscription of Azure's can be read, and nothing was changed: az login, or correct AZURE_SUBSCRIPTION_ID"
    fi
    told=$(cat "$file")
    SUBSCRIPTION=${told% *} TENANT=${told#* }
    IN_GROUP=(--resource-group "$AZURE_RESOURCE_GROUP" --subscription "$SUBSCRIPTION")
    GROUP_ID=/subscriptions/$SUBSCRIPTION/resourceGroups/$AZURE_RESOURCE_GROUP
    SUM=$(printf '%s' "$SUBSCRIPTION/$AZURE_RESOURCE_GROUP/$SLUG" | cksum | awk '{printf "%08x", $1}')
}

# As in settings.py.
service_name() { # ENV
    case $1 in
    production) short "$SLUG" 44 ;;
    *) short "$SLUG-$1" 44 ;;
    esac
}

candidate_name() { printf '%s-candidate' "$(service_name "$1")"; } # ENV

account_id() { # reader, trainer, deployer or runtime
    subscription
    printf '%s-%s-%s' "$SLUG" "$1" "$SUM"
}

role_name() { printf '%s %s %s' "$SLUG" "$1" "$SUM"; } # KIND: of a role of our own

compact() { # LENGTH: the beginning of the project's name, letters and digits alone
    local letters=${SLUG//[^a-z0-9]/}
    printf '%s' "${letters:0:$1}"
}

registry_name() { printf '%s%s' "$(compact 40)" "$SUM"; }                # 5 to 50 letters and digits
storage_name() { printf '%s%s%s' "$(compact 12)" "$1" "$SUM"; }          # KIND of 4 letters: 24 letters and digits at most

id_of() { # TYPE NAME: a resource's address in Azure, such as Microsoft.ContainerInstance/containerGroups
    printf '%s/providers/%s/%s' "$GROUP_ID" "$1" "$2"
}

runtime_id() { id_of Microsoft.ManagedIdentity/userAssignedIdentities "$(account_id runtime)"; }

log_for_reading() { printf 'abfss://predictions@%s.dfs.core.windows.net' "$(storage_name data)"; } # where nobody names the account
