"""Copy data and models to a place outside this folder and back: a DVC remote, or a container registry instead of one.

In: the files that dvc.lock lists. Out: the same files in DVC's cache, in the remote or in the registry.
Read first: `dvc_remote`.

- `dvc_remote`: the remote, whether it can be reached, and which files it lacks.
- `registry`, `oci_layout`: a container registry instead of a DVC remote, and the image in which the files are stored.
- `skopeo`: what copies images, here and in `image`.
- `push`, `pull`, `undo`, `repair_cache`: the verbs.
"""
