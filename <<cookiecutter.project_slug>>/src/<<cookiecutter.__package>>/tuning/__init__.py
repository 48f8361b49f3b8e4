"""Search for better values of `model:` in params.yaml: `make tune`."""
