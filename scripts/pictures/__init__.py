"""The pictures of README.md and docs/, made from real runs: `make pictures`."""
