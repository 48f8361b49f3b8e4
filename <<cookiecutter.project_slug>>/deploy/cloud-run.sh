#!/usr/bin/env bash
# Ship to Cloud Run: deploy/cloud-run.sh VERB [ARGUMENTS] [--dry-run]; alone it lists the verbs. See docs/cloud-run.md.
set -euo pipefail

# shellcheck disable=SC2034 # the parts use these
SLUG="<< cookiecutter.project_slug >>"
# shellcheck disable=SC2034
PACKAGE="<< cookiecutter.__package >>"
HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck disable=SC2034
CREDENTIALS="<< cookiecutter.credentials >>"
DRY_RUN=""

usage() {
    cat "$HERE/cloud-run/verbs.txt"
}

say() { printf '%s\n' "$*" >&2; }

die() { # MESSAGE...: what is wrong and what to do next
    printf 'cloud-run: %s\n' "$*" >&2
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

output() { # NAME VALUE: tell a workflow's later steps
    if [ -z "${GITHUB_OUTPUT:-}" ]; then return; fi
    printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"
}

for part in names service release rollback canary identities bootstrap github rotate destroy; do
    # shellcheck source=/dev/null
    . "$HERE/cloud-run/$part.sh"
done

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
    bootstrap | deploy | destroy | doctor | promote | canary | restore | rollback | rotate | smoke | status | url) ;;
    *) die "there is no verb ${1:0:40}; deploy/cloud-run.sh alone lists them" ;;
    esac
    command -v gcloud >/dev/null || die "gcloud is not here; install it: https://cloud.google.com/sdk/docs/install"
    check_settings
    cd "$HERE/.."
    WORK=$(mktemp -d)
    trap 'rm -rf "$WORK"' EXIT
    "$@"
}

main "$@"
