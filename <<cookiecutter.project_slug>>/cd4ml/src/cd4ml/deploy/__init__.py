"""Build the image, check the project, set up a cloud, and release to it.

`verbs` has the verbs of a release, `release` its steps, `platform` what a platform knows and does in them; `clouds`
lists the platforms, each a package of its own, and `commands` is where commands are run. `set_up` sets a cloud and
GitHub up, and removes that again. `script` runs the shell scripts in the project's folder: image.sh builds, scans and
publishes the image; smoke.sh runs it; check.sh audits the project.
"""
