"""The optional files of the team's package: what each is for, which exist, and one to start from.

In: contract.yaml, params.yaml. Out: a file in the team's package, and its test. Read first: `door`, the verb.

- `door`: list the files, or write one. `starters`: the texts to start from, with names that `door` replaces.
"""
