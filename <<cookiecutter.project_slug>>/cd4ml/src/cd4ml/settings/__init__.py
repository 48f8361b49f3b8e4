"""What a project says of itself: [tool.cd4ml] in pyproject.toml, params.yaml, and where everything lies.

In: those two files. Out: typed, frozen objects, and errors with file, line and key. Read first: `params`.

- `project`: pyproject.toml's [tool.cd4ml], which names the team's package and the platform.
- `params`: params.yaml, typed: every knob.
- `paths`: where everything lies, in the order in which data flows.
- `source_url`: what `data.source` may be, and that it holds no secret.
"""
