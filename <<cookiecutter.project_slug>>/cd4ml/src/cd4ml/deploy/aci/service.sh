# shellcheck shell=bash disable=SC2034 # the other parts use these names
# What a service is doing now, for the set-up: the container group that serves, and the candidate's beside it.
# What their tags say is in groups.py.

# NAME|STEP|HOST|PORTS|SETTINGS of a group
AS_LINE="join('|', [name, tags.step || '', ipAddress.fqdn || '', join(' ', ipAddress.ports[].to_string(port) || \`[]\`),
    join(' ', (containers[?name=='service'].environmentVariables[].name)[] || \`[]\`)])"

look() { # ENV: read what serves, and whether a candidate is beside it
    local told line beside
    subscription
    SERVICE=$(service_name "$1") beside=$(candidate_name "$1")
    EXISTS="" STEP="" URL="" PORTS="" GIVEN="" CANDIDATE_EXISTS=""
    if ! told=$(az container list "${IN_GROUP[@]}" --query "[?name=='$SERVICE' || name=='$beside'].$AS_LINE" --output tsv 2>"$WORK/look"); then
        # Not $ABSENT, which fits some failures to sign in as well: those must not look like a service that is gone.
        grep -q ResourceGroupNotFound "$WORK/look" || die "$SERVICE cannot be read; az login, or try again: $(why "$WORK/look")"
    fi
    while read -r line; do
        case $line in
        "$SERVICE|"*) look_at_live "$line" ;;
        "$beside|"*) CANDIDATE_EXISTS=yes ;;
        esac
    done < <(printf '%s\n' "$told")
}

look_at_live() { # LINE
    local host
    IFS='|' read -r _ STEP host PORTS GIVEN < <(printf '%s\n' "$1")
    EXISTS=yes URL=${host:+https://$host}
}

is_under_way() { # whether a release has not ended; a candidate beside what is served is litter of one that has
    [ -n "$CANDIDATE_EXISTS" ] || { [ -n "$EXISTS" ] && [ "$STEP" != served ]; }
}

why() { # FILE: what a command said went wrong, on one line
    awk '/ERROR|^\(|AADSTS/ && !told {told = $0} END {print told ? told : $0}' "$1" | cut -c 1-300
}
