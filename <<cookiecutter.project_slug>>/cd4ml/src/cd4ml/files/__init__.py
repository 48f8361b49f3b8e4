"""Files, whatever is in them: written whole or not at all, YAML with line numbers, dvc.lock, git.

Knows nothing of contracts or models. Read first: `atomic`, then `yaml_file`.

- `atomic`: write a file or folder whole or not at all.
- `yaml_file`, `yaml_edit`: read YAML into typed models, with the line of each error; change values and nothing else.
- `dvc_lock`, `dvc_run_lock`, `dvc_command`: what dvc.yaml and dvc.lock name; keep DVC from running; how to start it.
- `git`: ask git, without passwords and without waiting forever.
"""
