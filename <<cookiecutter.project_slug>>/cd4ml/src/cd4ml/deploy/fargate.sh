#!/usr/bin/env bash
# Set up AWS Fargate (releases are in fargate/*.py): cd4ml cloud VERB [ARGUMENTS] [--dry-run]; alone it lists the verbs. See docs/fargate.md.
# What is the same in any cloud is in any-cloud/, what is AWS's in fargate/.
set -euo pipefail

# shellcheck disable=SC2034 # the parts use these
{
    PLATFORM=fargate
    TOOL=aws TOOL_FROM=https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html
    SLUG=$CD4ML_NAME
    CREDENTIALS=$CD4ML_CREDENTIALS
    HERE=$(cd "$(dirname "$0")" && pwd)
}

for part in any-cloud/{script,names,bootstrap,keys,github,rotate,destroy} \
    fargate/{names,service,bootstrap,identities,trust,keys,destroy}; do
    # shellcheck source=/dev/null
    . "$HERE/$part.sh"
done

main "$@"
