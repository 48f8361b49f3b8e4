# shellcheck shell=bash
# Who may do what in Azure: the least that works. Where none of Azure's own roles is small enough there are two of ours.

own_roles() {
    own_role deploys "makes, changes and removes container groups, and reads what they print" \
        '"Microsoft.ContainerInstance/containerGroups/read", "Microsoft.ContainerInstance/containerGroups/write",
         "Microsoft.ContainerInstance/containerGroups/delete", "Microsoft.ContainerInstance/containerGroups/containers/logs/read",
         "Microsoft.ContainerInstance/locations/operations/read", "Microsoft.Resources/tags/read", "Microsoft.Resources/tags/write",
         "Microsoft.Resources/subscriptions/resourceGroups/read"' ''
    own_role adds "adds blobs, and neither reads nor changes those that are there" \
        '' '"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action"'
}

own_role() { # KIND PURPOSE ACTIONS DATA_ACTIONS
    local name known wanted definition make
    name=$(role_name "$1")
    definition="{\"Name\": \"$name\", \"Description\": \"$SLUG: $2\", \"Actions\": [${3//$'\n'/}], \"DataActions\": [$4], \"AssignableScopes\": [\"$GROUP_ID\"]}"
    make=(az role definition create --subscription "$SUBSCRIPTION" --role-definition "$definition")
    wanted=$(printf '%s\n' "$3" "$4" | grep -oE '[A-Za-z./]+' | sort)
    known=$(shown az role definition list --name "$name" --custom-role-only true --scope "$GROUP_ID" \
        --query "[0].permissions[].[actions, dataActions][][]" | sort)
    if [ -n "$known" ] && [ "$known" != "$wanted" ]; then
        mend "role of ours" "$name allows other actions than it should" "$name, as it should be again" \
            az role definition update --subscription "$SUBSCRIPTION" --output none --role-definition "$definition"
    elif [ -n "$known$LOOK_ONLY$DRY_RUN" ]; then
        ensure "role of ours" "$name" "$known" "${make[@]}" --output none
    else # the lists of roles may lack for a while what was just made
        insist "${make[@]}" --query id --output tsv >"$WORK/role-$1" ||
            give_up $? "role of ours $name could not be made (above is why): fix that and run bootstrap again"
        note made "role of ours" "$name"
    fi
}

role_id() { # ROLE: what it is called in a command: its address, where this run has made it
    local kind
    for kind in deploys adds; do
        if [ "$1" = "$(role_name $kind)" ] && [ -s "$WORK/role-$kind" ]; then
            cat "$WORK/role-$kind"
            return
        fi
    done
    printf '%s' "$1"
}

known_on() { # SCOPE: read KNOWN, lines "ROLE|PRINCIPAL"
    KNOWN=$(shown az role assignment list --scope "$1" --fill-principal-name false --query "[].join('|', [roleDefinitionName || '', principalId])")
    ON=$1
}

grant() { # NOUN WHO ROLE: on what known_on read
    local who principal label
    who=$(works_as "$2")
    label="$who on $1: $3"
    principal=$(principal_of "$who")
    if [ -n "$principal" ] && has_line "$KNOWN" "$3|$principal"; then
        note there role "$label"
        return
    fi
    if [ -n "$LOOK_ONLY" ]; then
        note missing role "$label"
        return
    fi
    insist change az role assignment create --assignee-object-id "${principal:-PRINCIPAL-OF-$(account_id "$who")}" \
        --assignee-principal-type ServicePrincipal --role "$(role_id "$3")" --scope "$ON" --output none ||
        give_up $? "$label could not be granted (above is why); run bootstrap again"
    note made role "$label"
}

data_containers() { printf '%s/blobServices/default/containers' "$(id_of Microsoft.Storage/storageAccounts "$(storage_name data)")"; }

roles() {
    local registry data
    registry=$(id_of Microsoft.ContainerRegistry/registries "$(registry_name)")
    data=$(data_containers)

    # On the group of resources, because a container group cannot be granted on before its first release.
    known_on "$GROUP_ID"
    grant "resource group" deployer "$(role_name deploys)"

    # Only the deployer pushes; the service pulls, and neither reader nor trainer touches images.
    known_on "$registry"
    grant registry deployer AcrPush
    grant registry runtime AcrPull

    # A deploy says what the service runs as; that one identity alone.
    known_on "$(runtime_id)"
    grant "identity runtime" deployer "Managed Identity Operator"

    # The share is mounted by key, and whoever has the key has the whole account: nothing but certificates is in it.
    known_on "$(id_of Microsoft.Storage/storageAccounts "$(storage_name cert)")"
    grant "certificates" deployer "Reader and Data Access"

    known_on "$data/dvc"
    grant "container dvc" reader "Storage Blob Data Reader"
    grant "container dvc" trainer "Storage Blob Data Contributor"

    # The service can add to its log, and neither read nor change what is there.
    known_on "$data/predictions"
    grant "container predictions" runtime "$(role_name adds)"
    grant "container predictions" trainer "Storage Blob Data Reader"
}
