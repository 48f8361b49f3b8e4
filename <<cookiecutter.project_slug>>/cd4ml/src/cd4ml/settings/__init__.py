"""The project's settings: [tool.cd4ml] in pyproject.toml, params.yaml, and the paths of all files.

In: those two files. Out: typed, frozen objects, and errors with file, line and key. Read first: `params`.

- `project`: [tool.cd4ml] in pyproject.toml, which names the team's package and the cloud platform.
- `team_module`: import a module of that package; errors with file and line.
- `params`: params.yaml.
- `paths`: the paths of the pipeline's files, in the order in which data flows.
- `source_url`: the check that `data.source` is supported and contains no secret.
"""
