# shellcheck shell=bash
# Whether what answers somewhere is the bundle that is here.

check_address() { # URL: https, or the loopback
    case $1 in
    https://* | http://127.0.0.1:* | http://localhost:* | http://\[::1\]:*) ;;
    *) die "${1:0:80} is neither https nor on this machine; keys are not sent there" ;;
    esac
}

ask_as_smoke() { # URL [ARGUMENT...]: run the project's smoke test there
    [ -n "$1" ] || die "$SERVICE is not there yet: $SCRIPT deploy IMAGE ENV"
    check_address "$1"
    identify
    "$CD4ML_PYTHON" -m cd4ml smoke --url "$1" --wait 60 "${@:2}"
}
