# shellcheck shell=bash
# Names that fit, and what ENV and IMAGE may be.

short() { # NAME LENGTH: the name, or, where it is too long, its beginning and a sum of all of it
    if [ "${#1}" -le "$2" ]; then
        printf '%s' "$1"
    else
        local sum cut
        sum=$(printf '%s' "$1" | cksum | awk '{printf "%08x", $1}')
        cut=${1:0:$(($2 - 7))}
        printf '%s-%s' "${cut%-}" "${sum:0:6}"
    fi
}

check_environment() { # ENV
    case ${1:-} in
    staging | production) ENVIRONMENT=$1 ;;
    *) die "ENV is staging or production" ;;
    esac
}

log_address() { # where a service of ENVIRONMENT writes its predictions; nothing where it writes none
    case ${CD4ML_PREDICTION_LOG:-off} in
    stdout) printf stdout ;;
    bucket) printf '%s/%s' "$(log_bucket)" "$ENVIRONMENT" ;;
    esac
}

check_image() { # IMAGE: by digest, so that what was tested is what runs
    [[ ${1:-} =~ ^[a-z0-9][a-zA-Z0-9._/:-]*@sha256:[0-9a-f]{64}$ ]] ||
        die "IMAGE must name its digest: HOST/NAME@sha256: and 64 digits; a tag could be moved meanwhile"
}
