#!/usr/bin/env bash
# Set up Container Instances: cd4ml cloud VERB [ARGUMENTS] [--dry-run]; alone it lists the verbs. See docs/aci.md.
# Releases are Python. What is the same in any cloud is in any-cloud/, what is Azure's in aci/.
set -euo pipefail

# shellcheck disable=SC2034 # the parts use these
{
    PLATFORM=aci
    TOOL=az TOOL_FROM=https://learn.microsoft.com/cli/azure/install-azure-cli
    SLUG=$CD4ML_NAME
    CREDENTIALS=$CD4ML_CREDENTIALS
    HERE=$(cd "$(dirname "$0")" && pwd)
}

for part in any-cloud/{script,names,bootstrap,keys,github,rotate,destroy} \
    aci/{names,service,bootstrap,identities,roles,keys,destroy}; do
    # shellcheck source=/dev/null
    . "$HERE/$part.sh"
done

main "$@"
