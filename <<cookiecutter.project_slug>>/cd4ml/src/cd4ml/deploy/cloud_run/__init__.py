"""Cloud Run: what a service does, the commands that change it, and how a release is one of its revisions."""
