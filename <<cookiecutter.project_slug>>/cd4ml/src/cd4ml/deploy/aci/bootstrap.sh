# shellcheck shell=bash
# What a project needs in Azure, in the order in which one needs the other.

PROVIDERS="Microsoft.ContainerInstance Microsoft.ContainerRegistry Microsoft.ManagedIdentity Microsoft.Storage"

walk() {
    subscription
    note there subscription "$SUBSCRIPTION"
    providers
    resource_group
    registry
    sidecar
    account data "--allow-shared-key-access false" # where people and programs are known by name alone
    account cert "--allow-shared-key-access true"  # a file share is mounted by key, so nothing else lies there
    container dvc
    container predictions
    log_retention
    share
    identities
    own_roles
    roles
    key_file
    case $CREDENTIALS in
    oidc) trust ;;
    *) keys ;;
    esac
}

providers() {
    local registered name lacking
    registered=$(az provider list --subscription "$SUBSCRIPTION" --query "[?registrationState=='Registered'].namespace" --output tsv) ||
        die "providers cannot be listed: az login"
    for name in $PROVIDERS; do
        if has_line "$registered" "$name"; then lacking=""; else lacking=yes; fi
        ensure provider "$name" "$([ -n "$lacking" ] || printf there)" \
            az provider register --namespace "$name" --subscription "$SUBSCRIPTION" --wait
    done
}

shown() { # COMMAND...: what it shows; nothing where there is no such thing
    "$@" --output tsv 2>"$WORK/shown" && return
    grep -qiE "$ABSENT" "$WORK/shown" || die "Azure cannot be asked: $(why "$WORK/shown")"
}

resource_group() {
    local known
    known=$(shown az group show --name "$AZURE_RESOURCE_GROUP" --subscription "$SUBSCRIPTION" --query name)
    ensure "resource group" "$AZURE_RESOURCE_GROUP" "$known" az group create --name "$AZURE_RESOURCE_GROUP" \
        --location "$AZURE_LOCATION" --subscription "$SUBSCRIPTION" --tags made-by=cd4ml --output none
}

registry() { # for the images; nobody signs in to it by password
    local name known
    name=$(registry_name)
    known=$(shown az acr show --name "$name" "${IN_GROUP[@]}" --query "to_string(adminUserEnabled)")
    if [ "$known" = true ]; then
        mend registry "$name can be entered by password" "$name, now without a password" az acr update --name "$name" "${IN_GROUP[@]}" --admin-enabled false --output none
    else
        ensure registry "$name" "$known" az acr create --name "$name" "${IN_GROUP[@]}" --location "$AZURE_LOCATION" \
            --sku Basic --admin-enabled false --output none
    fi
}

sidecar() { # Caddy, from the project's own registry: no release waits for, or is refused by, another
    local name known caddy
    caddy=$("$CD4ML_PYTHON" -c 'from cd4ml.deploy.aci.description import CADDY; print(CADDY)')
    name=$(registry_name)
    known=$(shown az acr show --name "$name" "${IN_GROUP[@]}" --query "tags.caddy || ''")
    if [ "$known" = "$caddy" ]; then
        note there image "caddy@${caddy:0:19}"
        return
    fi
    ensure image "caddy@${caddy:0:19}" "" az acr import --name "$name" "${IN_GROUP[@]}" \
        --source "docker.io/library/caddy@$caddy" --image caddy:2.11.4 --force
    if [ -n "$LOOK_ONLY" ]; then return; fi
    change az tag update --resource-id "$(id_of Microsoft.ContainerRegistry/registries "$name")" --operation Merge \
        --tags "caddy=$caddy" --output none || die "the registry could not be written; run bootstrap again"
}

account() { # KIND ACCESS_BY_KEY: of storage; closed to the public, encrypted on its way
    local name known closed
    name=$(storage_name "$1")
    # shellcheck disable=SC2206 # two words
    closed=(--allow-blob-public-access false --min-tls-version TLS1_2 --https-only true $2)
    known=$(shown az storage account show --name "$name" "${IN_GROUP[@]}" --query \
        "join(' ', [to_string(allowBlobPublicAccess), minimumTlsVersion || '-', to_string(enableHttpsTrafficOnly), to_string(allowSharedKeyAccess)])")
    case $known in
    "" | "false TLS1_2 true ${2##* }")
        ensure storage "$name" "$known" az storage account create --name "$name" "${IN_GROUP[@]}" --location "$AZURE_LOCATION" \
            --sku Standard_LRS --kind StorageV2 "${closed[@]}" --output none
        ;;
    *) mend storage "$name is not closed to the public" "$name, now closed to the public" az storage account update --name "$name" "${IN_GROUP[@]}" "${closed[@]}" --output none ;;
    esac
}

container() { # NAME: in the account for data
    local known
    known=$(shown az storage container-rm show --storage-account "$(storage_name data)" "${IN_GROUP[@]}" --name "$1" --query name)
    ensure container "$1 in $(storage_name data)" "$known" az storage container-rm create --storage-account "$(storage_name data)" \
        "${IN_GROUP[@]}" --name "$1" --public-access off --output none
}

log_retention() { # a rule of the account deletes what is old; Azure takes all rules of an account at once
    local name told
    name=$(storage_name data)
    told=$(shown az storage account management-policy show --account-name "$name" "${IN_GROUP[@]}" --query "to_string(policy)")
    printf '%s' "$told" >"$WORK/told"
    deletion_rules azure "$name" "$WORK/told"
    retention "predictions in $name" \
        az storage account management-policy create --account-name "$name" "${IN_GROUP[@]}" --policy "$RULES" --output none
}

share() { # where Caddy keeps its certificates
    local known
    known=$(shown az storage share-rm show --storage-account "$(storage_name cert)" "${IN_GROUP[@]}" --name certificates --query name)
    ensure share "certificates in $(storage_name cert)" "$known" az storage share-rm create --storage-account "$(storage_name cert)" \
        "${IN_GROUP[@]}" --name certificates --quota 1 --output none
}

look_at_service() { # ENV: a row of doctor's table
    look "$1"
    if [ -z "$EXISTS$CANDIDATE_EXISTS" ]; then
        note "not yet" service "$SERVICE: cd deploys it"
    elif is_under_way; then
        note wrong service "$SERVICE has a release that did not end: $SCRIPT restore $1"
    elif [ "$(tr ' ' '\n' < <(printf '%s' "$PORTS") | sort -n | xargs)" != "80 443" ]; then
        note wrong service "$SERVICE answers on port ${PORTS// /, }, and not on 443 and 80 alone: deploy it again"
    elif ! has_line "${GIVEN// /$'\n'}" SERVICE_API_KEYS; then
        note wrong service "$SERVICE is open to anybody, it has no keys: deploy it again"
    else
        note there service "$SERVICE $URL"
    fi
}

how_to_keep_data() { # and, beside that, what whoever runs it needs: an owner of the subscription may not read blobs for that
    say "to read and write data yourself: az role assignment create --assignee \"\$(az ad signed-in-user show --query id --output tsv)\" \
--role \"Storage Blob Data Contributor\" --scope $(data_containers)/dvc"
    printf 'uv run dvc remote add --default storage azure://dvc, uv run dvc remote modify storage account_name %s' "$(storage_name data)"
}
