# shellcheck shell=bash
# Names that fit.

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
