"""What the workflows do in git and on GitHub; each verb is a module of its name, and a laptop can call it.

Read first: `status`, then the verb that a workflow calls.

- continuous training: `commit_model`, `propose_model`, `report_rejection`, `start_ct`; `model_commit`, `pull_request`.
- release: `check_releasable`, `write_release_metadata`, `check_superseded`, `record_release`, `resolve_release`,
  `record_rollback`; `releases`, `quarantine`.
- pull requests: `comment`, `comment_text`, `check_lock`, `staleness`.
- settings: `doctor`; `required_settings`, `repository_settings`, `github_settings`.
- `github`: GitHub's REST API. `actions_io`: what a step hands to its workflow.
"""
