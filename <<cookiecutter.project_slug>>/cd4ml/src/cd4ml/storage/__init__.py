"""Where data and models are kept besides this folder: a DVC remote, or a container registry in its place.

In: what dvc.lock names. Out: objects in DVC's cache, in the remote, or in the registry. Read first: `dvc_remote`.

- `dvc_remote`: which remote there is, and what it lacks. `registry`, `oci_layout`: a registry in its place.
- `push`, `pull`, `undo`, `repair_cache`: the verbs.
"""
