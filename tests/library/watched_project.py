"""Projects whose live model was asked for five weeks: what `cd4ml monitor` reads, and what it leaves."""

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from cd4ml.bundle.bundle import Bundle
from cd4ml.cli import main
from cd4ml.contract.columns import Columns
from cd4ml.monitoring.monitor import judge
from cd4ml.monitoring.watch import Live
from cd4ml.prediction_log.read import StoredLog
from cd4ml.settings.params import Params
from house_project import Project
from served_log import LAST, Damage, new_houses, write_log

NEWEST_WEEK = pd.Timestamp("2024-07-29")
OUTPUTS = Path("build/monitoring")

MARKUP = '</style><script>alert("1")</script><img src=x onerror=alert(1)>|*a*'
TURNED = "\u202egnp.עיר"
LONG = "a_name_of_a_column_that_is_far_longer_than_any_telephone_is_wide_" * 2
QUOTED = json.dumps(MARKUP, ensure_ascii=False)
HOSTILE = f"""\
  {QUOTED}: {{type: category, values: [{QUOTED}, b], description: {QUOTED}}}
  {json.dumps(TURNED)}: {{type: category, nullable: true}}
  {LONG}: {{type: number, nullable: true, unit: {QUOTED}}}
"""

Change = Callable[[pd.DataFrame], pd.DataFrame]


def let_it_answer(project: Project, damage: Damage | None = None, change: Change | None = None) -> None:
    """Give the source five weeks more, and the same days a year ago; log the answers to the former.

    Args:
        project: with a bundle and reports; its folder is changed.
        damage: of the newest week's requests.
        change: of the new rows, such as to give them more columns.
    """
    table = new_houses()
    last_year = new_houses(seed=7).assign(sold_on=table["sold_on"] - pd.Timedelta(days=364))
    last_year["house_id"] = "old-" + last_year["house_id"]
    if change:
        table, last_year = change(table), change(last_year)
    old = project.table.assign(sold_on=pd.to_datetime(project.table["sold_on"]))
    project.table = pd.concat([old, table, last_year])
    shutil.rmtree(project.folder / "log", ignore_errors=True)
    newest = table["sold_on"] >= NEWEST_WEEK
    bundle = Bundle.load(project.bundle)
    write_log(project.folder / "log", bundle, table[~newest])
    write_log(project.folder / "log", bundle, table[newest], damage)


def monitor(project: Project, *arguments: str, code: int = 0) -> dict[str, Any]:
    """Run the verb; return the content of monitoring.json."""
    with project.inside():
        assert main(["monitor", "--log", "log", "--until", LAST, *arguments]) == code
    return json.loads((project.folder / OUTPUTS / "monitoring.json").read_bytes())


def judged(project: Project) -> dict[str, Any]:
    """Return what monitoring.json would have, without drawing the page, which takes seconds."""
    with project.inside():
        live = Live(Bundle.load(project.bundle), project.folder / "reports")
        return judge(StoredLog("log"), live, Params.load(), date.fromisoformat(LAST))


def output(project: Project, name: str) -> str:
    """Return the text of a file that the verb wrote."""
    return (project.folder / OUTPUTS / name).read_text(encoding="utf-8")


def hostile_project(folder: Path) -> Project:
    """Make and monitor a project with columns and categories of markup, of right to left, and of long names."""
    project = Project(folder)
    project.write("contract.yaml", (project.folder / "contract.yaml").read_text(encoding="utf-8") + HOSTILE)
    project.table = _with_hostile_names(project.table)
    project.run("ingest", "validate", "split", "train", "package", "evaluate")

    def damage(columns: Columns) -> None:
        columns[MARKUP][::5] = ""
        columns[LONG] = np.full(len(columns[LONG]), np.nan, dtype=np.float32)
        columns[TURNED] = np.array([f"{name}<b>" for name in columns[TURNED]], dtype=object)

    let_it_answer(project, damage, _with_hostile_names)
    monitor(project)
    return project


def _with_hostile_names(table: pd.DataFrame) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    newest = pd.to_datetime(table["sold_on"]) >= NEWEST_WEEK
    return table.assign(
        **{
            MARKUP: np.where(newest | (rng.random(len(table)) < 0.3), MARKUP, "b"),
            TURNED: np.where(rng.random(len(table)) < 0.5, TURNED, LONG),
            LONG: rng.normal(size=len(table)) + 2 * newest,
        }
    )
