# shellcheck shell=bash
# Make what a project needs, once, as a table; doctor takes the same walk and only looks.

LOOK_ONLY="" MADE=0 LACKING=0
FRESH=" " # names of what was not there, so that nobody has a role on it yet

note() { # STATE WHAT NAME: a row of the table
    case $1 in
    made) MADE=$((MADE + 1)) ;;
    missing | wrong) LACKING=$((LACKING + 1)) ;;
    esac
    if [ -z "$DRY_RUN" ]; then printf '  %-9s%-18s%s\n' "$1" "$2" "$3"; fi
}

ensure() { # WHAT NAME PRESENT COMMAND...: run the command unless PRESENT says something; doctor never runs it
    if [ -n "$3" ]; then
        note there "$1" "$2"
    elif [ -n "$LOOK_ONLY" ]; then
        FRESH="$FRESH$2 "
        note missing "$1" "$2"
    else
        insist change "${@:4}" || give_up $? "$1 $2 could not be made (above is why): fix that and run bootstrap again"
        if [ -n "$EXISTED" ]; then # made just before, and not known where it was looked for
            note there "$1" "$2"
        else
            FRESH="$FRESH$2 "
            note made "$1" "$2"
        fi
    fi
}

mend() { # WHAT WRONG RIGHT COMMAND...: doctor says what is wrong, bootstrap puts it right
    if [ -n "$LOOK_ONLY" ]; then
        note wrong "$1" "$2: bootstrap fixes it"
    else
        insist change "${@:4}" || give_up $? "$1: $2, and that could not be fixed (above is why)"
        note made "$1" "$3"
    fi
}

check_days() {
    [[ ${PREDICTION_LOG_DAYS:-90} =~ ^[1-9][0-9]{0,4}$ ]] || die "PREDICTION_LOG_DAYS is not a number of days from 1 to 99999"
}

rule_set() { # KIND WANTED FILE: read KNOWN, the state of this project's rules in FILE, and RULES, all rules as they should be
    "$CD4ML_PYTHON" "$HERE/set_up/rule_sets.py" "$1" "$2" <"$3" >"$WORK/rules" 2>"$WORK/unreadable" || return
    # shellcheck disable=SC2034 # the platforms' parts use it
    RULES=$(sed -n 2p "$WORK/rules")
    KNOWN=$(sed -n 1p "$WORK/rules")
}

retention() { # NAME COMMAND...: predictions are deleted after $PREDICTION_LOG_DAYS, else as KNOWN, else after 90 days
    local days=${PREDICTION_LOG_DAYS:-90}
    if [ -n "$KNOWN" ] && [ "$KNOWN" != "${PREDICTION_LOG_DAYS:-$KNOWN}" ]; then
        mend retention "$1 is kept for $KNOWN days, not $days" "$1, for $days days" "${@:2}"
    else
        ensure retention "$1, for ${KNOWN:-$days} days" "$KNOWN" "${@:2}"
    fi
}

deletion_rules() { # KIND NAME FILE: as rule_set, or end the run: what cannot be read would be lost by a write
    rule_set "$1" "${PREDICTION_LOG_DAYS:-90}" "$3" ||
        die "the lifecycle rules of $2 cannot be read, and were not changed: $(tail -n 1 "$WORK/unreadable")"
}

bootstrap() { # [--credentials service-account|oidc] [--set-secrets]
    local set_secrets=""
    while [ $# -gt 0 ]; do
        case $1 in
        --credentials)
            CREDENTIALS=${2:-}
            [ $# -gt 1 ] && shift
            ;;
        --set-secrets) set_secrets=yes ;;
        *) die "bootstrap takes --credentials service-account|oidc, --set-secrets and --dry-run" ;;
        esac
        shift
    done
    case $CREDENTIALS in service-account | oidc) ;; *) die "--credentials is service-account or oidc" ;; esac
    check_days
    look_at_environments
    if [ "$CREDENTIALS" = service-account ]; then refuse_where_keys_are_forbidden; fi
    walk
    if [ -n "$set_secrets" ]; then tell_github; fi
    if [ -n "$DRY_RUN" ]; then return; fi
    if [ "$MADE" = 0 ]; then printf 'everything was there; nothing was changed\n'; fi
    if [ -z "$set_secrets" ]; then what_github_needs; fi
    printf 'the key to ask the service with: %s\n' "$(how_to_read_api_keys)"
    printf 'next: %s, git commit .dvc/config; then make doctor\n' "$(how_to_keep_data)"
}

doctor() { # a table of what is there, missing or wrong; fails when something is
    check_days
    LOOK_ONLY=yes
    look_at_environments
    walk
    look_at_service staging
    look_at_service production
    if [ "$LACKING" != 0 ]; then
        die "$LACKING missing or wrong; what is missing: $SCRIPT bootstrap"
    fi
}
