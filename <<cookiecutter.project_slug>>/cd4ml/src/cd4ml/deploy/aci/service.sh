# shellcheck shell=bash disable=SC2034 # the other parts use these names
# What a service is doing now: the container group that serves, and the candidate's beside it.
#
# The intent of a release is kept in tags, which are written before anything else is: `step` is `deploy` or `swap` while
# one is under way, `restore` while what served before it comes up again, and `served` when what serves has shown that it
# does; `candidate` is what is to serve, `revision` what a group runs, `previous` and `previous-image` what served before
# that. The candidate's group has them too, as the other one may be gone for a while.

# NAME|REVISION|IMAGE|PREVIOUS|PREVIOUS IMAGE|CANDIDATE|STEP|HOST|CPU|MEMORY|PORTS|SETTINGS of a group
AS_LINE="join('|', [name, tags.revision || '', (containers[?name=='service'].image)[0] || '', tags.previous || '',
    tags.\"previous-image\" || '', tags.candidate || '', tags.step || '', ipAddress.fqdn || '',
    to_string((containers[?name=='service'].resources.requests.cpu)[0]),
    to_string((containers[?name=='service'].resources.requests.memoryInGb)[0]),
    join(' ', ipAddress.ports[].to_string(port) || \`[]\`),
    join(' ', (containers[?name=='service'].environmentVariables[].name)[] || \`[]\`)])"

# RESTARTS STATE of its service
AS_STATE="(containers[?name=='service'].instanceView)[0].join(' ', [to_string(restartCount || \`0\`), currentState.state || '-'])"

look() { # ENV: read what serves, and what CANDIDATE_ is beside it
    local told line
    subscription
    SERVICE=$(service_name "$1") BESIDE=$(candidate_name "$1")
    EXISTS="" REVISION="" IMAGE_SERVED="" PREVIOUS="" PREVIOUS_IMAGE="" UNDER_WAY="" STEP="" URL="" SIZE="" PORTS="" GIVEN=""
    CANDIDATE_EXISTS="" CANDIDATE_REVISION="" CANDIDATE_IMAGE="" CANDIDATE_URL="" BEFORE="" BEFORE_IMAGE=""
    if ! told=$(az container list "${IN_GROUP[@]}" --query "[?name=='$SERVICE' || name=='$BESIDE'].$AS_LINE" --output tsv 2>"$WORK/look"); then
        # Not $ABSENT, which fits some failures to sign in as well: those must not look like a service that is gone.
        grep -q ResourceGroupNotFound "$WORK/look" || die "$SERVICE cannot be read; az login, or try again: $(why "$WORK/look")"
    fi
    while read -r line; do
        case $line in
        "$SERVICE|"*) look_at_live "$line" ;;
        "$BESIDE|"*) look_at_candidate "$line" ;;
        esac
    done < <(printf '%s\n' "$told")
}

look_at_live() { # LINE
    local host cpu memory
    IFS='|' read -r _ REVISION IMAGE_SERVED PREVIOUS PREVIOUS_IMAGE UNDER_WAY STEP host cpu memory PORTS GIVEN < <(printf '%s\n' "$1")
    EXISTS=yes SIZE="$cpu $memory" URL=${host:+https://$host}
}

look_at_candidate() { # LINE
    local host
    IFS='|' read -r _ CANDIDATE_REVISION CANDIDATE_IMAGE BEFORE BEFORE_IMAGE _ _ host _ < <(printf '%s\n' "$1")
    CANDIDATE_EXISTS=yes CANDIDATE_URL=${host:+https://$host}
}

why() { # FILE: what a command said went wrong, on one line
    awk '/ERROR|^\(|AADSTS/ && !told {told = $0} END {print told ? told : $0}' "$1" | cut -c 1-300
}

tag() { # GROUP NAME=VALUE...: written without a restart of the containers, which creating a group again would bring
    change az tag update --resource-id "$(group_id "$1")" --operation Merge --tags "${@:2}" --output none
}

remove() { # GROUP
    change az container delete "${IN_GROUP[@]}" --name "$1" --yes --output none
}

ask() { # QUESTION...: see ask.py
    "$CD4ML_PYTHON" "$HERE/aci/ask.py" "$@"
}

comes_up() { # GROUP: whether its address says that it is ready, in SERVICE_START_SECONDS; not when it starts again and again
    local until state restarts first="" one
    if [ -n "$DRY_RUN" ]; then return; fi
    until=$(($(date +%s) + ${SERVICE_START_SECONDS:-300}))
    while ! ask ready "https://$(host_of "$1")" "${SERVICE_ROUND_SECONDS:-10}" 2>"$WORK/ready"; do
        state=$(az container show "${IN_GROUP[@]}" --name "$1" --query "$AS_STATE" --output tsv 2>/dev/null) || state=""
        restarts=${state%% *}
        if [[ ! $restarts =~ ^[0-9]+$ ]]; then restarts=0; fi
        first=${first:-$restarts}
        if [ $((restarts - first)) -ge 2 ] || [ "$(date +%s)" -ge "$until" ]; then
            say "$1 is not ready; its service is ${state#* }, restarted $restarts times"
            for one in service https; do
                say "$one said last:"
                az container logs "${IN_GROUP[@]}" --name "$1" --container-name "$one" 2>/dev/null | grep . | tail -n 5 >&2 || true
            done
            say "$(tail -n 1 "$WORK/ready")"
            return 1
        fi
    done
}
