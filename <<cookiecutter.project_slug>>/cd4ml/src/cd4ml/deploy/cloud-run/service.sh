# shellcheck shell=bash disable=SC2034 # the other parts use these names
# What a service is doing now.
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
