"""Make the pictures in docs/pictures/ again, all from one run of the default project: minutes.

    make pictures    # needs what `make test-all` needs, of which Debian's chromium and its fonts

The demo in a terminal, the comment on a pull request that retrains on a month's new rows, the model card with its
curves, the service's page with a prediction, monitoring's page, and the run in MLflow. Look at each before it is
committed: the figures in README.md are those of the same run.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import Page

from scripts.pictures.browser import Camera, camera, page_of
from scripts.pictures.example import ROOT, committed, demo, proposed, run, served, service
from scripts.pictures.terminal import draw, shortened

PICTURES = ROOT / "docs/pictures"
WORK = ROOT / "build/pictures"


def main() -> None:
    """Run the example once, and take each picture when its state is there."""
    WORK.mkdir(parents=True, exist_ok=True)
    title = "make demo: generate a project, install it, train it on real flights, serve it and ask it, in a minute"
    (PICTURES / "demo.svg").write_text(draw("make demo", shortened(demo()), title), encoding="utf-8")
    project = committed(WORK)
    with camera(PICTURES) as pictures:
        card(pictures, project)
        with service(project, "serve", "/health/ready") as url:
            pictures.take("service-page.png", url, 1100, 1300, ask)
        with service(project, "mlflow") as url:
            pictures.take("mlflow-run.png", f"{url}/{newest_run(project)}", 1120, 900, of_a_run)
        pictures.take("monitoring-page.png", served(project).as_uri(), 900, 1480)
        comment = WORK / "comment.html"
        comment.write_text(page_of(proposed(project), "<b>github-actions</b> bot commented"), encoding="utf-8")
        pictures.take("comment.png", comment.as_uri(), 1000, 1400, lambda page: end_before(page, "h3"))
    shutil.rmtree(project)
    for path in sorted(PICTURES.iterdir()):
        print(f"  {path.relative_to(ROOT)}  {path.stat().st_size / 1000:,.0f} kB")


def card(pictures: Camera, project: Path) -> None:
    """Take the model card down to its curves."""
    page = project / "reports/card.html"
    page.write_text(page_of((project / "reports/model-card.md").read_text(encoding="utf-8")), encoding="utf-8")

    pictures.take("model-card.png", page.as_uri(), 1010, 1400, lambda page: end_before(page, "p:has(img) ~ h2"))
    page.unlink()


def end_before(page: Page, selector: str) -> None:
    """Remove all that follows the first of these elements, and the element."""
    remove = "end => { while (end.nextElementSibling) end.nextElementSibling.remove(); end.remove() }"
    page.locator(selector).first.evaluate(remove)


def ask(page: Page) -> None:
    """Press Predict, and wait for what moves the answer."""
    page.get_by_role("button", name="Predict").click()
    page.get_by_text("What moves this answer").wait_for()
    page.wait_for_timeout(500)


def of_a_run(page: Page) -> None:
    """Show the run as somebody sees it who has closed MLflow's assistant, and trains models."""
    page.get_by_role("button", name="Close", exact=True).click()
    run = page.url
    page.get_by_text("Model training", exact=True).click()
    page.goto(run)
    page.get_by_role("heading", name="Registered models").wait_for()
    page.wait_for_timeout(2000)


def newest_run(project: Path) -> str:
    """Return the address of the run in MLflow's page."""
    code = (
        "import mlflow; r = mlflow.search_runs(search_all_experiments=True).iloc[0]; print(r.experiment_id, r.run_id)"
    )
    printed = run(project, ".venv/bin/python", "-c", code, MLFLOW_TRACKING_URI="sqlite:///mlflow.db")
    experiment, name = printed.split()[-2:]
    return f"#/experiments/{experiment}/runs/{name}"


if __name__ == "__main__":
    main()
