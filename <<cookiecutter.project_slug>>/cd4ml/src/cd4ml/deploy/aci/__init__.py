"""Container Instances: what a service does, the commands that change it, and how a release swaps its group."""
