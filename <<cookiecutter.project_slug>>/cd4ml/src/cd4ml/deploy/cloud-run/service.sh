# shellcheck shell=bash disable=SC2034 # the other parts use these names
# What a service is doing now, and how its traffic is told where to go.
#
# The intent of a release is kept in the service's traffic tags: `previous` is what served before, `candidate` what is to
# serve. Tags and shares of traffic are written in one call, so there is no moment at which they disagree, and setting
# them makes no new revision (setting labels would). No `previous`: nothing is under way.

# A list of REVISION=PERCENT=TAG=ADDRESS;... with None where there is no such thing
AS_LIST='map().format("{0}={1}={2}={3}",revisionName,percent,tag,url)'

look() { # ENV: read SERVICE, EXISTS, URL, WANTED and ACTUAL (lists as above)
    local told
    SERVICE=$(service_name "$1") EXISTS="" URL="" WANTED="" ACTUAL=""
    if told=$(gcloud run services describe "$SERVICE" "${IN_REGION[@]}" \
        --format="value[separator='|'](status.url,spec.traffic.$AS_LIST,status.traffic.$AS_LIST)" 2>"$WORK/look"); then
        IFS='|' read -r URL WANTED ACTUAL < <(printf '%s\n' "$told") || true
        EXISTS=yes
    elif ! grep -q 'Cannot find service' "$WORK/look"; then
        die "$SERVICE cannot be read, and nothing was changed: $(awk '/^ERROR/ && !told {told = $0} END {print told ? told : $0}' "$WORK/look")"
    fi
}

tagged() { # LIST TAG: the revision with that tag
    printf '%s' "$1" | tr ';' '\n' | awk -F = -v tag="$2" '$3 == tag {print $1}'
}

tagged_url() { # LIST TAG: its address
    printf '%s' "$1" | tr ';' '\n' | awk -F = -v tag="$2" '$3 == tag {print $4}'
}

share_of() { # LIST REVISION: its percentage
    printf '%s' "$1" | tr ';' '\n' | awk -F = -v name="$2" '$1 == name && $2 + 0 > 0 {sum += $2} END {print sum + 0}'
}

serving() { # LIST: the revisions that take traffic, one a line
    printf '%s' "$1" | tr ';' '\n' | awk -F = '$2 + 0 > 0 {print $1}' | sort -u
}

goes_as_told() { # LIST SHARES: whether REVISION=PERCENT,... is what the list says
    local share
    for share in ${2//,/ }; do
        [ "$(share_of "$1" "${share%%=*}")" = "${share#*=}" ] || return 1
    done
}

route() { # ENV SHARES [FLAG...]: an explicit traffic command; fails when traffic does not go there
    local failed="" tries=0 environment=$1 shares=$2
    change gcloud run services update-traffic "$SERVICE" "${IN_REGION[@]}" --quiet --to-revisions "$shares" "${@:3}" ||
        failed=yes
    if [ -z "$failed" ]; then return; fi
    # After a revision that failed, gcloud reports that failure for every change: the service is asked what is so.
    while look "$environment" && goes_as_told "$WANTED" "$shares"; do
        if goes_as_told "$ACTUAL" "$shares"; then return; fi
        tries=$((tries + 1))
        if [ "$tries" -gt 30 ]; then break; fi
        sleep 2
    done
    say "cloud-run: $SERVICE could not be told to send traffic to $shares"
    return 1
}
