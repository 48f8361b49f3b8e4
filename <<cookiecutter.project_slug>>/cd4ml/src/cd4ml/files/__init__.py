"""Read and write files safely: atomic writes, YAML with line numbers, dvc.lock, git.

Independent of contracts and models. Read first: `atomic`, then `yaml_file`.

- `atomic`: write a file or folder whole or not at all.
- `text`: read a text file, with the line that is not UTF-8.
- `yaml_file`: read YAML into typed models, with the line of each error. `yaml_edit`: change values, nothing else.
- `dvc_lock`: the stages and outputs in dvc.yaml and dvc.lock. `dvc_run_lock`: keep DVC from running meanwhile.
- `dvc_command`: the command that starts DVC. `run_dvc`: DVC without its advice on commands that are not used here.
- `git`: run git, without a password prompt and with a timeout.
- `place`: whether a verb runs in the folder, the environment and the repository of its own project.
"""
