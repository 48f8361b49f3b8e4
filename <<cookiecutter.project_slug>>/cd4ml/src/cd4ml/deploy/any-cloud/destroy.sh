# shellcheck shell=bash
# Remove what bootstrap and deploy made, and nothing else.

NOT_GONE=""

destroy() { # [--yes NAME]: lists it all, and asks for the project's name
    local answer=""
    case ${1:-} in
    "") ;;
    --yes) answer=${2:-} ;;
    *) die "destroy takes --yes $SLUG" ;;
    esac
    printf 'This removes from %s, and nothing here brings it back:\n' "$(whole_cloud)"
    what_goes
    if [ -z "$answer" ] && [ -z "$DRY_RUN" ]; then
        printf 'Type %s to go on: ' "$SLUG"
        read -r answer || true
    fi
    if [ "$answer" != "$SLUG" ] && [ -z "$DRY_RUN" ]; then die "nothing was removed"; fi
    remove_everything
    if [ -n "$NOT_GONE" ]; then die "some could not be removed (above is why): run this again"; fi
    if [ -z "$DRY_RUN" ]; then printf 'removed; GitHub keeps its environments, variables and secrets: gh secret delete, gh variable delete\n'; fi
}

goes() { # WHAT NAMES: a row of what is to go
    printf '  %-12s%s\n' "$1" "$2"
}

gone() { # COMMAND...: what is not there any more is gone as well
    if [ -n "$DRY_RUN" ]; then
        change "$@"
    elif ! "$@" >"$WORK/gone" 2>&1; then
        if grep -qiE "$ABSENT" "$WORK/gone"; then return; fi
        tail -n 2 "$WORK/gone" >&2
        NOT_GONE=yes
    fi
}
