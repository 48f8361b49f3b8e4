#!/usr/bin/env bash
# Set up Cloud Run (releases are in cloud_run/): cd4ml cloud VERB [ARGUMENTS] [--dry-run]; alone it lists the verbs. See docs/cloud-run.md.
# What is the same in any cloud is in any-cloud/, what is Google's in cloud-run/.
set -euo pipefail

# shellcheck disable=SC2034 # the parts use these
{
    PLATFORM=cloud-run
    TOOL=gcloud TOOL_FROM=https://cloud.google.com/sdk/docs/install
    SLUG=$CD4ML_NAME
    CREDENTIALS=$CD4ML_CREDENTIALS
    HERE=$(cd "$(dirname "$0")" && pwd)
}

for part in any-cloud/{script,names,bootstrap,keys,github,rotate,destroy} \
    cloud-run/{names,service,bootstrap,identities,trust,keys,destroy}; do
    # shellcheck source=/dev/null
    . "$HERE/$part.sh"
done

main "$@"
