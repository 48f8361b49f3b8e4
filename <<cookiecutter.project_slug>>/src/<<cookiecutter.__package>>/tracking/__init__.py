"""What was trained is remembered in MLflow: published from files on disk, once a bundle and tracking server."""
