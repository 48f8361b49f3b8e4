"""Set up a cloud, and release to it.

`verbs` has the verbs of a release, `release` its steps, `platform` what a platform knows and does in them; `clouds`
lists the platforms, each a package of its own, and `commands` is where commands are run. `set_up` sets a cloud and
GitHub up, and removes that again. `stack` runs the service on this machine, with what watches it.
"""
