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

# What was just made is not known everywhere at once, and limits of requests pass. Such errors are told by the vendor's
# codes: PASSES is an extended regular expression of a platform's own, ALREADY of those that say that something is there.
PASSES="" ALREADY=""
EXISTED=""    # whether what the last command was to make was there
UNFINISHED=75 # insist: it did not pass in time, and was told to whoever runs this

insist() { # COMMAND...: run it, and again for $INSIST_PATIENCE seconds while its error is one that passes
    local begun=$SECONDS error="$WORK/insist" passes="toomanyrequests${PASSES:+|$PASSES}" told=""
    EXISTED=""
    until "$@" 2>"$error"; do
        if [ -n "$ALREADY" ] && grep -qE "$ALREADY" "$error"; then
            EXISTED=yes
            return
        fi
        if ! grep -qE "$passes" "$error"; then
            cat "$error" >&2
            return 1
        fi
        if [ $((SECONDS - begun)) -ge "${INSIST_PATIENCE:-180}" ]; then
            say "$PLATFORM: for ${INSIST_PATIENCE:-180} s: $(said "$error"); that passes: run $SCRIPT $VERB again in a few minutes"
            return "$UNFINISHED"
        fi
        [ -n "$told" ] || say "waiting, as this passes: $(said "$error")"
        told=yes
        sleep "${INSIST_PAUSE:-5}"
    done
    cat "$error" >&2
}

give_up() { # STATUS MESSAGE...: end the run; what did not pass in time was told by insist
    if [ "$1" = "$UNFINISHED" ]; then exit 1; fi
    die "${@:2}"
}

said() { awk 'NF {told = $0} END {print substr(told, 1, 300)}' "$1"; } # FILE: the last thing that a command said

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
    VERB=$1
    for argument in INSIST_PAUSE INSIST_PATIENCE; do
        [[ ${!argument:-0} =~ ^[0-9]{1,5}$ ]] || die "$argument is a whole number of seconds"
    done
    command -v "$TOOL" >/dev/null || die "$TOOL is not here; install it: $TOOL_FROM"
    check_settings
    WORK=$(mktemp -d)
    trap 'rm -rf "$WORK"' EXIT
    "$@"
}
