# shellcheck shell=bash disable=SC2034 # any-cloud/destroy.sh uses these
# What is to be removed from Azure.

ABSENT='not.?found|does ?n.t exist|does not exist|could not be found|no matched|cannot find'

whole_cloud() {
    subscription
    printf 'resource group %s of subscription %s' "$AZURE_RESOURCE_GROUP" "$SUBSCRIPTION"
}

what_goes() {
    subscription
    goes services "$(service_name staging), $(service_name production), and their candidates"
    goes registry "$(registry_name), with all images"
    goes storage "$(storage_name data), with all data, models and predictions"
    goes storage "$(storage_name cert), with the certificates"
    goes identities "$(account_id reader), $(account_id trainer), $(account_id deployer), $(account_id runtime), their roles and keys"
    goes roles "$(role_name deploys), $(role_name adds)"
    goes "not at once" "an administrator can restore app registrations for 30 days, and storage accounts for 14"
    goes "API keys" "$(key_file_name)"
    goes group "$AZURE_RESOURCE_GROUP, if bootstrap made it and nothing else is in it"
}

remove_everything() {
    local who kind app
    for who in staging production; do
        gone az container delete "${IN_GROUP[@]}" --name "$(candidate_name $who)" --yes --output none
        gone az container delete "${IN_GROUP[@]}" --name "$(service_name $who)" --yes --output none
    done
    # A role that somebody still has cannot be removed, and who has it must be known for that.
    gone az role assignment delete --role "$(role_name deploys)" --scope "$GROUP_ID" --yes
    gone az role assignment delete --role "$(role_name adds)" --scope "$(data_containers)/predictions" --yes
    for kind in deploys adds; do
        gone az role definition delete --name "$(role_name $kind)" --scope "$GROUP_ID" --custom-role-only true
    done
    for who in reader trainer deployer; do
        app=$(app_of $who) # on a line of its own: what cannot be asked ends the run, and is not taken for gone
        if [ -n "$app" ]; then gone az ad app delete --id "$app"; fi
    done
    gone az identity delete --name "$(account_id runtime)" "${IN_GROUP[@]}"
    gone az acr delete --name "$(registry_name)" "${IN_GROUP[@]}" --yes
    for kind in data cert; do gone az storage account delete --name "$(storage_name $kind)" "${IN_GROUP[@]}" --yes; done
    gone rm -rf "${KEY_FOLDER:?}"
    remove_resource_group
}

remove_resource_group() { # one that was there before, or that holds something of others, stays
    local ours left
    ours=$(shown az group show --name "$AZURE_RESOURCE_GROUP" --subscription "$SUBSCRIPTION" --query "tags.\"made-by\" || ''")
    if [ "$ours" != cd4ml ]; then return; fi
    left=$(shown az resource list "${IN_GROUP[@]}" --query '[].name')
    if [ -n "$DRY_RUN" ] || [ -z "$left" ]; then
        gone az group delete --name "$AZURE_RESOURCE_GROUP" --subscription "$SUBSCRIPTION" --yes
    fi
}
