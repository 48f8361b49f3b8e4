"""Environments, triggers, and the order in which runs go on the small GitHub."""

from __future__ import annotations

from pathlib import Path

from tests.delivery.github import Environment, GitHub
from tests.delivery.small_workflows import DOWNLOAD, UPLOAD, Checkout, ask, clone, job, workflow

__all__ = ["clone"]


def test_an_approval_is_waited_for_and_a_rejection_ends_the_run(github: GitHub, clone: Checkout) -> None:
    github.environments["approval"] = Environment(reviewers=True)
    github.environments["production"] = Environment(secrets={"KEY": "theirs"}, branches=["main"])
    waits = job("- run: 'true'", "approval", "environment: {name: approval, deployment: false}")
    ships = job("- run: echo [${{ secrets.KEY }}]", "ship", "needs: approval\nenvironment: production")
    clone.push(cd=workflow(waits + ships))

    [run] = github.run_all()
    assert (run.status, run.approvals) == ("waiting", ["approval"])
    github.approve(run)
    github.run_all()
    assert run.results == {"approval": "success", "ship": "success"}
    assert [deployment["environment"] for deployment in github.deployments] == ["production"]

    clone.push("side")
    [other] = github.run_all()
    github.reject(other)
    github.run_all()
    assert other.results == {"approval": "failure", "ship": "skipped"}


def test_an_environment_refuses_a_branch_that_it_does_not_name(github: GitHub, clone: Checkout) -> None:
    github.environments["production"] = Environment(secrets={"KEY": "theirs"}, branches=["main"])
    clone.push("side", cd=workflow(job("- run: echo [${{ secrets.KEY }}]", more="environment: production")))

    [run] = github.run_all()

    assert run.results == {"job": "failure"}
    assert "may not use the environment production" in run.jobs["job"].reason


def test_a_queue_runs_one_after_the_other_in_order(github: GitHub, clone: Checkout, tmp_path: Path) -> None:
    diary, tickets = tmp_path / "diary", github.folder / "concurrency/production"
    steps = f"""
    - run: |
        echo "begin $GITHUB_RUN_NUMBER" >> {diary}
        for _ in $(seq 600); do  # until the others wait behind this one
          [ "$(ls {tickets} | wc -l)" -lt $((4 - GITHUB_RUN_NUMBER)) ] || break
          sleep 0.1
        done
        echo "end $GITHUB_RUN_NUMBER" >> {diary}
    """
    queue = "concurrency: {group: production, queue: max}"
    clone.push(cd=workflow(job(steps), on="workflow_dispatch", more=queue))
    github.parallel = 3

    runs = [github.dispatch("cd") for _ in range(3)]
    github.run_all()

    assert diary.read_text().splitlines() == [f"{what} {number}" for number in (1, 2, 3) for what in ("begin", "end")]
    assert [run.conclusion for run in runs] == ["success"] * 3


def test_a_runner_that_is_killed_leaves_its_turn_to_the_next(github: GitHub, clone: Checkout, tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    steps = (
        "- run: echo deployed >> DIARY\n- run: echo promoted >> DIARY\n- if: always()\n  run: echo restored >> DIARY"
    )
    queue = "concurrency: {group: production, queue: max}"
    clone.push(cd=workflow(job(steps.replace("DIARY", str(diary)), "ship", queue), on="workflow_dispatch"))

    github.dies_after = ("ship", "deployed")
    killed = github.dispatch("cd")
    github.run_all()
    assert (killed.conclusion, diary.read_text().split()) == ("failure", ["deployed"])

    github.dies_after = None
    following = github.dispatch("cd")
    github.run_all()
    assert following.conclusion == "success"


def test_what_failed_runs_again_and_what_ended_well_does_not(github: GitHub, clone: Checkout, tmp_path: Path) -> None:
    diary, ready = tmp_path / "diary", tmp_path / "ready"
    environment = "environment: {name: approval, deployment: false}"
    github.environments["approval"] = Environment(reviewers=True)
    build = f"""
    - run: |
        echo built >> {diary}
        echo made > made.txt
    - uses: {UPLOAD}
      with: {{name: made, path: made.txt}}
    - id: told
      run: echo "digest=abc" >> "$GITHUB_OUTPUT"
    """
    ship = f"""
    - uses: {DOWNLOAD}
      with: {{name: made}}
    - run: echo "shipped $(cat made.txt) $DIGEST, attempt $GITHUB_RUN_ATTEMPT" >> {diary}
      env: {{DIGEST: "${{{{ needs.build.outputs.digest }}}}"}}
    - run: test -f {ready}
    """
    jobs = job(build, "build", "outputs: {digest: '${{ steps.told.outputs.digest }}'}")
    jobs += job("- run: 'true'", "approval", f"needs: build\n{environment}")
    jobs += job(ship, "ship", "needs: [build, approval]") + job(f"- run: echo told >> {diary}", "tell", "needs: ship")
    clone.push(cd=workflow(jobs))
    [run] = github.run_all()
    github.approve(run)
    github.run_all()
    assert run.results == {"build": "success", "approval": "success", "ship": "failure", "tell": "skipped"}

    github.dies_after = ("ship", "shipped")
    github.rerun_failed(run)
    github.run_all()
    assert run.reason == "the runner was killed"
    github.dies_after = None
    ready.touch()
    github.rerun_failed(run)
    assert github.run_all() == [run]

    assert run.results == {"build": "success", "approval": "success", "ship": "success", "tell": "success"}
    shipped = [f"shipped made abc, attempt {attempt}" for attempt in (1, 2, 3)]
    assert diary.read_text().splitlines() == ["built", *shipped, "told"]


def test_a_newer_run_cancels_the_one_before_it(github: GitHub, clone: Checkout) -> None:
    steps = "- run: sleep 60\n- if: cancelled()\n  run: echo cleaned up"
    cancels = "concurrency: {group: 'ci-${{ github.ref }}', cancel-in-progress: true}"
    quick = workflow(job("- run: 'true'"), more=cancels)
    clone.push(ci=workflow(job(steps), more=cancels))
    clone.push(ci=quick)

    first, second = github.run_all()

    assert (first.conclusion, second.conclusion) == ("cancelled", "success")
    assert "cleaned up" in first.log or not first.jobs


def test_pull_requests_start_what_listens_to_them(github: GitHub, clone: Checkout) -> None:
    steps = job("- run: echo ${{ github.event.action }} ${{ github.event.label.name }} ${{ github.head_ref }}")
    clone.push(
        ci=workflow(steps, on="pull_request"),
        ct=workflow(steps, on="{pull_request: {types: [labeled]}, schedule: [{cron: '7 3 * * *'}]}"),
        docs=workflow(steps, on="{pull_request: {paths: [docs/**]}}"),
    )
    clone.push("topic")

    number = github.open_pull_request("topic")
    assert [run.workflow for run in github.run_all()] == ["ci"]
    clone.push("topic")
    assert "synchronize  topic" in github.run_all()[0].log
    github.label(number, "train")
    [labelled] = github.run_all()
    assert "labeled train topic" in labelled.log
    github.merge(number)
    assert github.pulls[number]["merged"]
    assert [run.event.name for run in github.runs[-1:]] == ["pull_request"]  # nothing listens to a push here
    assert github.tick("ct").event.name == "schedule"


def test_inputs_of_a_dispatch_are_checked_and_typed(github: GitHub, clone: Checkout) -> None:
    inputs = "{ref: {default: main}, force: {type: boolean}, how: {type: choice, options: [a, b], default: b}}"
    steps = job("- run: echo [${{ inputs.ref }}] [${{ inputs.force && 'forced' }}] [${{ inputs.how }}]")
    clone.push(ct=workflow(steps, on=f"{{workflow_dispatch: {{inputs: {inputs}}}}}"))
    path, token = "actions/workflows/ct.yml/dispatches", github.token(actions="write")

    assert ask(github, "POST", path, token, {"ref": "main", "inputs": {"unknown": "x"}})[0] == 422
    assert ask(github, "POST", path, token, {"ref": "main", "inputs": {"how": "c"}})[0] == 422
    assert ask(github, "POST", path, token, {"ref": "main", "inputs": {"force": "true"}})[0] == 204
    [run] = github.run_all()
    assert "[main] [forced] [b]" in run.log
