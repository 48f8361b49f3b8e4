# shellcheck shell=bash disable=SC2034 # the platform's own parts use these names
# How every verb is run: what it says, what it changes, and how it ends.

SCRIPT="uv run cd4ml cloud"
DRY_RUN=""

usage() {
    cat "$HERE/$PLATFORM/verbs.txt"
}

say() { printf '%s\n' "$*" >&2; }

die() { # MESSAGE...: what is wrong and what to do next
    printf '%s: %s\n' "$PLATFORM" "$*" >&2
    exit 1
}

change() { # COMMAND...: run what changes something; with --dry-run print it, so that it can be pasted
    if [ -n "$DRY_RUN" ]; then
        printf '%q ' "$@"
        printf '\n'
    else
        "$@" >&2
    fi
}

change_with() { # VALUE COMMAND...: the same with a value on standard input, where nobody else sees it
    local value=$1
    if [ -n "$DRY_RUN" ]; then
        shift
        change "$@"
    else
        printf '%s' "$value" | "${@:2}" >&2
    fi
}

has_line() { # TEXT LINE (grep -q in a pipe would now and then end what writes to it, and so fail)
    case $'\n'$1$'\n' in *$'\n'"$2"$'\n'*) ;; *) return 1 ;; esac
}

main() {
    local arguments=() argument
    for argument in "$@"; do
        case $argument in
        --dry-run) DRY_RUN=yes ;;
        *) arguments[${#arguments[@]}]=$argument ;;
        esac
    done
    if [ "${#arguments[@]}" = 0 ]; then
        usage
        return
    fi
    set -- "${arguments[@]}"
    case $1 in
    bootstrap | destroy | doctor | rotate) ;; # those of a release are verbs.py's
    *) die "there is no verb ${1:0:40}; $SCRIPT alone lists them" ;;
    esac
    command -v "$TOOL" >/dev/null || die "$TOOL is not here; install it: $TOOL_FROM"
    check_settings
    WORK=$(mktemp -d)
    trap 'rm -rf "$WORK"' EXIT
    "$@"
}
