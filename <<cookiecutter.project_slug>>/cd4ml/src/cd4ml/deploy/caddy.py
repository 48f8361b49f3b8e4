"""The pin of Caddy, which speaks HTTPS before the service where a platform does not."""

DIGEST = "sha256:844f60b64e4724a5aa8245e019dace0d3f199f7433ce6c57676cb30a920dbad9"
"""Of caddy 2.11.4."""
NAME = "caddy:2.11.4"
"""What it is called in a registry of one's own."""
IMAGE = f"docker.io/library/caddy@{DIGEST}"
