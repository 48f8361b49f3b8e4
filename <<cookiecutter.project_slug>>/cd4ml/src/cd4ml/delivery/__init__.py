"""What the workflows do in git and on GitHub. Each verb of the command line is a module of the same name.

Read first: `status`, then the verb that a workflow calls. A laptop can call each of them.

- continuous training: `commit_model`, `propose_model`, `report_rejection`, `start_ct`; `model_commit`, `pull_request`.
- monitoring: `monitor_live`, `report_monitoring`, `check_schedules`; `live_model`, `retraining`, `alarm`,
  `scheduled_runs`. `single_issue`: what `report_rejection` and `report_monitoring` write.
- people: `notify`, called by what has something to tell; `event`, `webhooks`.
- release: `check_releasable`, `write_release_metadata`, `check_superseded`, `record_release`, `resolve_release`,
  `record_rollback`; `releases`, `quarantine`.
- what a project is made of: `audit`, `scan_secrets`, `lint_workflows`, `check_files`; `pinned_tools`, `index_tools`,
  `programs`.
- pull requests: `comment`, `comment_text`, `check_lock`, `staleness`.
- settings: `doctor`; `required_settings`, `repository_settings`, `github_settings`.
- `github`: GitHub's REST API. `actions_io`: the outputs and the summary of a workflow's step.
"""
