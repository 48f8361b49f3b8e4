"""Renew every pinned action, image, hook, package and program of the template and of the generated project.

`kinds.py` is the registry: what each kind of pin looks like in a text, and whose version it is. `pin.py` finds pins and
rewrites them. `github.py`, `registry.py` and `packages.py` look versions up. `renew.py` brings these together, and
`table.py` shows what moved.
"""
