# shellcheck shell=bash
# Back to an earlier release, and what there is to go back to.

revisions() { # NAME, IMAGE, CREATED and conditions, newest first, between tabs
    gcloud run revisions list --service "$SERVICE" "${IN_REGION[@]}" --sort-by='~metadata.creationTimestamp' \
        --format='value(metadata.name,spec.containers[0].image,metadata.creationTimestamp,status.conditions.map().format("{0}={1}",type,status))'
}

rollback() { # ENV DIGEST: all traffic to the newest revision of that image; where none is left it is deployed again
    check_environment "${1:-}"
    local environment=$1 digest=${2:-} name
    digest=sha256:${digest##*sha256:}
    [[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] || die "DIGEST is sha256: and 64 digits: $SCRIPT status $environment"
    look "$environment"
    [ -n "$EXISTS" ] || die "$SERVICE is not there: $SCRIPT deploy IMAGE $environment"
    name=$(revisions | awk -F '\t' -v digest="@$digest" \
        'index($2, digest) && (";" $4 ";") ~ /;Ready=True;/ && !found {found = 1; print $1}') ||
        die "the revisions of $SERVICE cannot be listed, and nothing was changed"
    if [ -n "$name" ]; then
        route "$environment" "$name=100" --remove-tags candidate,previous || die "try again, or $SCRIPT restore $environment"
        if [ -z "$DRY_RUN" ]; then printf '%s serves, with all traffic\n' "$name"; fi
        output revision "$name"
        return
    fi
    say "$SERVICE: no revision of $digest is left; deploying that image again"
    deploy "$(image_name)@$digest" "$environment"
    if [ -n "$DRY_RUN" ]; then return; fi
    if ! (smoke "$environment"); then
        restore "$environment"
        die "the earlier image does not answer as its bundle does; nothing was rolled back"
    fi
    promote "$environment"
}

status() { # [ENV]: a table of what serves, and whether a release is under way
    local environment
    if [ -n "${1:-}" ]; then
        check_environment "$1"
        status_of "$1"
    else
        for environment in staging production; do status_of "$environment"; done
    fi
}

status_of() { # ENV
    local name image created conditions state
    look "$1"
    if [ -z "$EXISTS" ]; then
        printf '%s: not there yet\n' "$SERVICE"
        return
    fi
    printf '%s %s\n' "$SERVICE" "$URL"
    printf '  %-10s%-10s%-14s%-22s%s\n' traffic tag image made revision
    while IFS=$'\t' read -r name image created conditions; do
        case ";$conditions;" in
        *";Ready=True;"*) state="$(share_of "$ACTUAL" "$name") %" ;;
        *) state=failed ;;
        esac
        image=${image##*@sha256:}
        printf '  %-10s%-10s%-14s%-22s%s\n' "$state" "$(tags_of "$name")" "${image:0:12}" "${created%%.*}" "$name"
    done < <(revisions | head -n "${LINES_SHOWN:-10}")
    if [ -n "$(tagged "$WANTED" previous)$(tagged "$WANTED" candidate)" ]; then
        printf '  under way: %s promote %s, or restore %s\n' "$SCRIPT" "$1" "$1"
    fi
}

tags_of() { # REVISION
    printf '%s' "$WANTED" | tr ';' '\n' | awk -F = -v name="$1" '$1 == name && $3 != "None" {printf "%s ", $3}'
}
