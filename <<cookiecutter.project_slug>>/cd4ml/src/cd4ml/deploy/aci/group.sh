# shellcheck shell=bash disable=SC2153 # names that other parts give
# A container group: the service, and before it Caddy, which speaks HTTPS and keeps its certificates on a file share.

# caddy 2.11.4, which bootstrap copies into the project's own registry
CADDY=sha256:844f60b64e4724a5aa8245e019dace0d3f199f7433ce6c57676cb30a920dbad9

service_settings() { # CPU and MEMORY; the other settings are looked at too
    local name
    CPU=${SERVICE_CPU:-1} MEMORY=${SERVICE_MEMORY:-1.5}
    for name in CPU MEMORY; do
        [[ ${!name} =~ ^[0-9]{1,2}(\.[0-9])?$ ]] || die "SERVICE_$name is a number such as 1 or 1.5 (of CPUs, of GB)"
    done
    for name in SERVICE_START_SECONDS SERVICE_ROUND_SECONDS; do
        [[ ${!name:-1} =~ ^[0-9]{1,4}$ ]] || die "$name is a whole number"
    done
}

secrets_to_run() { # KEYS and SHARE_KEY, which no command gets as an argument
    KEYS=$(api_keys) || die "SERVICE_API_KEYS is not set, and a service without keys would be open to anybody: $SCRIPT bootstrap, or export it"
    SHARE_KEY=left-out
    LOG=$(log_address) LOG_IDENTITY=""
    if [ -n "$DRY_RUN" ]; then
        KEYS=left-out
        return
    fi
    case $LOG in az://*)
        LOG_IDENTITY=$(az identity show --name "$(account_id runtime)" "${IN_GROUP[@]}" --query clientId --output tsv 2>"$WORK/identity") ||
            die "the identity that the service writes its predictions as cannot be read, and nothing was changed: $(why "$WORK/identity")"
        ;;
    esac
    SHARE_KEY=$(az storage account keys list "${IN_GROUP[@]}" --account-name "$(storage_name cert)" --query '[0].value' --output tsv 2>"$WORK/share") ||
        die "the share for certificates cannot be opened, and nothing was changed: $(why "$WORK/share")"
}

create() { # GROUP IMAGE NAME=VALUE...: make the group, or make it again, with these tags
    local group=$1 file="$WORK/$1.yaml"
    (umask 077 && describe "$@" >"$file")
    if [ -n "$DRY_RUN" ]; then
        printf '# %s.yaml, with keys left out:\n' "$group"
        sed 's/^/#   /' "$file"
        change az container create "${IN_GROUP[@]}" --name "$group" --file "$group.yaml" --output none
        return
    fi
    change az container create "${IN_GROUP[@]}" --name "$group" --file "$file" --output none
}

settled() { # GROUP: its state, once nothing is being done to it, as after a run that was killed
    local told until
    until=$(($(date +%s) + ${SERVICE_START_SECONDS:-300}))
    while :; do
        told=$(az container show "${IN_GROUP[@]}" --name "$1" --query "join(' ', [provisioningState || '-', instanceView.state || '-'])" --output tsv) || told="- -"
        case $told in
        Pending* | Creating* | Updating* | Repairing*) if [ "$(date +%s)" -ge "$until" ]; then break; fi ;;
        *) break ;;
        esac
        sleep 2
    done
    printf '%s' "${told#* }"
}

create_again() { # as create, for a group that is there: in its place, or anew where Azure cannot do that
    local state anew=""
    state=$(settled "$1")
    case $state in
    Succeeded | Failed | Stopped) anew="has ended ($state)" ;;
    *)
        if ! awk -v is="$SIZE" -v wanted="$CPU $MEMORY" 'BEGIN {split(is, a, " "); split(wanted, b, " "); exit a[1] != b[1] || a[2] != b[2]}'; then
            anew="changes its size ($SIZE to $CPU $MEMORY, CPUs and GB)"
        fi
        ;;
    esac
    if [ -n "$anew" ]; then
        say "$1 $anew, and so has to be made anew; should this be stopped meanwhile: $SCRIPT deploy $2 ENV"
        remove "$1" || return 1
    fi
    create "$@"
}

quoted() { # TEXT: as YAML, whatever it holds
    printf '%s' "$1" | sed "s/'/''/g; s/^/'/; s/\$/'/"
}

describe() { # GROUP IMAGE NAME=VALUE...: the group as `az container create --file` reads it
    local group=$1 image=$2 host pair
    host=$(host_of "$group")
    printf '%s\n' "name: $group" "apiVersion: '2023-05-01'" "location: $AZURE_LOCATION" "tags:" "  made-by: cd4ml"
    for pair in "${@:3}"; do printf '  %s: %s\n' "${pair%%=*}" "$(quoted "${pair#*=}")"; done
    printf '%s\n' "identity:" "  type: UserAssigned" "  userAssignedIdentities: {$(quoted "$(runtime_id)"): {}}" \
        "properties:" "  osType: Linux" "  sku: Standard" "  restartPolicy: Always" \
        "  imageRegistryCredentials:" "  - {server: $(quoted "$(registry_host)"), identity: $(quoted "$(runtime_id)")}" \
        "  ipAddress:" "    type: Public" "    dnsNameLabel: ${host%%.*}" \
        "    ports: [{protocol: TCP, port: 443}, {protocol: TCP, port: 80}]" \
        "  containers:"
    describe_service "$image"
    printf '%s\n' "  - name: https" "    properties:" "      image: $(registry_host)/caddy@$CADDY" \
        "      command: [caddy, reverse-proxy, --from, $host, --to, '127.0.0.1:8000']" \
        "      ports: [{protocol: TCP, port: 443}, {protocol: TCP, port: 80}]" \
        "      resources: {requests: {cpu: 0.2, memoryInGB: 0.3}}" \
        "      volumeMounts: [{name: certificates, mountPath: /data}]" \
        "  volumes:" "  - name: certificates" \
        "    azureFile: {shareName: certificates, storageAccountName: $(storage_name cert), storageAccountKey: $(quoted "$SHARE_KEY")}"
}

describe_log() { # where the service writes its predictions, and as whom
    if [ -n "$LOG" ]; then printf '%s\n' "      - {name: PREDICTION_LOG, value: $(quoted "$LOG")}"; fi
    case $LOG in az://*)
        printf '%s\n' "      - {name: AZURE_STORAGE_ACCOUNT_NAME, value: $(storage_name data)}" \
            "      - {name: AZURE_CLIENT_ID, value: $(quoted "$LOG_IDENTITY")}"
        ;;
    esac
}

describe_service() { # IMAGE: the project's own container; its port is not among those of the group
    printf '%s\n' "  - name: service" "    properties:" "      image: $1" \
        "      environmentVariables:" "      - {name: PORT, value: '8000'}" \
        "      - {name: SERVICE_API_KEYS, secureValue: $(quoted "$KEYS")}"
    describe_log
    printf '%s\n' "      resources: {requests: {cpu: $CPU, memoryInGB: $MEMORY}}" \
        "      livenessProbe: {httpGet: {path: /health/live, port: 8000, scheme: http}, initialDelaySeconds: 20, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6}" \
        "      readinessProbe: {httpGet: {path: /health/ready, port: 8000, scheme: http}, periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 3}"
}
