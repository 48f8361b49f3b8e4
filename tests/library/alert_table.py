"""The table of all alerts' cases."""

from alert_cases import (
    BUSY,
    DAY,
    INVALID,
    LOG,
    NEW,
    NO_KEY,
    NULLS,
    OK,
    OLD,
    REFUSED,
    REQUESTS,
    SERVICE,
    UNKNOWN,
    UNTIL,
    WEEKLY_STEP,
    Case,
    classes,
    column,
    instance,
    job,
    latencies,
    level,
    numbers,
    share,
    watched,
)  # fmt: skip

CASES = [
    Case(
        "ServiceDown", {f"up{{{SERVICE}}}": "1x5 0x30"}, instance(),
        "service:8000 does not let Prometheus read /metrics: the service is down, or the key is wrong.",
        {f"up{{{SERVICE}}}": "1x30"},
    ),
    Case(
        "NoServiceKnown", {'up{job="other"}': "1x30"}, {},
        'Prometheus has no job whose name begins with "model", so that no other alert can fire.',
        {f"up{{{SERVICE}}}": "0x30"},
    ),
    Case(
        "ServerErrors", share(2, 100), job(),
        "2% of the requests to model fail with an error of the server.",
        share(0, 100), also=[share(2, 100, BUSY), share(2, 100, INVALID), share(2, 1000)],
    ),
    Case(
        "Overloaded", share(3, 100, BUSY), job(),
        "3% of the requests to model are rejected with 503: more come than it can answer.",
        share(1, 200, BUSY), also=[share(3, 100)],
    ),
    Case(
        "ClientErrors", share(10, 100, INVALID), job(),
        "10% of the requests for predictions from model break the contract: a caller changed what it sends.",
        share(4, 100, INVALID), severity="warn", also=[share(10, 100, NO_KEY)],
    ),
    Case(
        "KeysRejected", share(10, 100, NO_KEY), job(),
        "10% of the requests to model have no valid key: a caller has an old one, or somebody guesses.",
        share(4, 100, NO_KEY), severity="warn", also=[share(10, 100, INVALID)],
    ),
    Case(
        "Slow", latencies(2), job(), "1 % of the predictions of model take longer than 375ms.",
        latencies(0), severity="warn",
    ),
    Case(
        "NoRequests", {f"{REQUESTS}{OK}": "0+25x288 7200x50"}, job(),
        "Nobody asked model for a prediction in the last hour; at this hour yesterday, callers did.",
        {f"{REQUESTS}{OK}": "0+25x500"}, at=DAY + 100, step=5,
        also=[{f"{REQUESTS}{OK}": "0x500"}],
    ),
    Case(
        "ConnectionsRefused", {f'{REFUSED}{{{SERVICE},reason="crowded"}}': "0+2x30"}, job(),
        "model refuses or closes connections, since as many as MAX_CONNECTIONS are open.",
        {f'{REFUSED}{{{SERVICE},reason="late"}}': "0+100x30", f'{REFUSED}{{{SERVICE},reason="crowded"}}': "7x30"},
    ),
    Case(
        "BrokenClients", {f'{REFUSED}{{{SERVICE},reason="late"}}': "0+120x30"}, job(reason="late"),
        "model cuts off 2 connections a second (late): a client is broken, or hostile.",
        {f'{REFUSED}{{{SERVICE},reason="late"}}': "0+30x30", f'{REFUSED}{{{SERVICE},reason="idle"}}': "0+120x30"},
        severity="warn",
    ),
    Case(
        "ProcessorBusy", {f"process_cpu_seconds_total{{{SERVICE}}}": "0+57x40"}, instance(),
        "service:8000 has used 95% of a processor for a quarter of an hour; one process cannot use much more.",
        {f"process_cpu_seconds_total{{{SERVICE}}}": "0+48x40"}, at=30, severity="warn",
    ),
    Case(
        "MemoryHigh", {f"process_resident_memory_bytes{{{SERVICE}}}": "430e6x40"}, instance(),
        "service:8000 uses 430MB of memory; the container is made for 512 MB.",
        {f"process_resident_memory_bytes{{{SERVICE}}}": "390e6x40"}, at=30, severity="warn",
    ),
    Case(
        "ServiceRestarts", {f"process_start_time_seconds{{{SERVICE}}}": "0 100 200 300x30"}, instance(),
        "service:8000 has started 3 times in half an hour.",
        {f"process_start_time_seconds{{{SERVICE}}}": "0 100x30"},
    ),
    Case(
        "PredictionLogFailing",
        {f"{LOG}_failures_total{{{SERVICE}}}": "0+2x30", f"{LOG}_written_total{{{SERVICE}}}": "70x30"}, instance(),
        "service:8000 cannot write its prediction log: the place is full, gone, or not writable.",
        {f"{LOG}_failures_total{{{SERVICE}}}": "0x30", f"{LOG}_written_total{{{SERVICE}}}": "0x30"},
        also=[{f"{LOG}_failures_total{{{SERVICE}}}": "0+1x30", f"{LOG}_written_total{{{SERVICE}}}": "0+50x30"}],
    ),
    Case(
        "PredictionLogLost", {f"{LOG}_dropped_total{{{SERVICE}}}": "0+30x30"}, instance(),
        "service:8000 has lost about 300 records of its prediction log in ten minutes.",
        {f"{LOG}_dropped_total{{{SERVICE}}}": "30x30"},
    ),
    Case(
        "NullsRose", column(NULLS, 400), job(column="wind"),
        "wind is null in 37.32% more of the rows of the last hour than in those of the last week.",
        column(NULLS, 20), at=7 * DAY, step=WEEKLY_STEP, also=[column(NULLS, 120), column(NULLS, 60, rows=90)],
    ),
    Case(
        "UnknownRose", column(UNKNOWN, 200), job(column="wind"),
        "wind has a category that the training set has not in 17.68% more of the rows of the last hour than in those "
        "of the last week.",
        column(UNKNOWN, 20), at=7 * DAY, step=WEEKLY_STEP,
        also=[column(UNKNOWN, 50), column(UNKNOWN, 60, rows=90)],
    ),
    Case(
        "ClassesShifted", classes(90), job(value="true"),
        "The share of true among the predictions of the last day is 34.29% away from that of the last week.",
        classes(50), at=7 * DAY, step=WEEKLY_STEP, severity="warn", also=[classes(60)],
        twin=(
            job(value="false"),
            "The share of false among the predictions of the last day is 34.29% away from that of the last week.",
        ),
    ),
    Case(
        "NumbersShifted", numbers(90), job(),
        "34.29% of the predictions of model have moved, the last day beside the last week.",
        numbers(50), at=7 * DAY, step=WEEKLY_STEP, severity="warn", also=[numbers(60)],
    ),
    Case(
        "ModelChanged", {OLD: "1x29", NEW: "_x29 1x60"}, job(version="2024-02"),
        "model answers with 2024-02, which it did not ten minutes ago.",
        {OLD: "1x60"}, at=35, severity="info", also=[{OLD: "_x29 1x60"}],
    ),
    Case(
        "OlderModel", {OLD: "1x29 _x29 1x60", NEW: "_x29 1x29 _x60"}, job(version="2024-01"),
        "model answers with 2024-01 again, which another model had replaced: a rollback, or a wrong release.",
        {OLD: "1x29", NEW: "_x59 1x90"}, at=65, severity="warn", also=[{OLD: "1x29 _x29 1x60"}],
    ),
    Case(
        "SeveralModels", {OLD: "1x60", NEW: "1x60"}, job(),
        "2 models have answered as model for half an hour, longer than a canary takes: a release has stopped halfway.",
        {OLD: "1x60"}, at=45, severity="warn", also=[{OLD: "1x60", NEW: "_x29 1x60"}],
    ),
    Case(
        "MonitoringPages", level("loss", 3), {"job": "cd4ml-monitor", "model": "houses", "check": "loss"},
        "Monitoring of houses found what somebody must act on: loss. The report says what changed.",
        level("loss", 2), also=[level("loss", 0)],
    ),
    Case(
        "MonitoringWarns", level("predictions", 2), {"job": "cd4ml-monitor", "model": "houses", "check": "predictions"},
        "Monitoring of houses found a change to look at: predictions. The report says what changed.",
        level("predictions", 1), severity="warn", also=[level("predictions", 3)],
    ),
    Case(
        "MonitoringOverdue", {UNTIL: f"0x{4 * DAY // 5}"}, {"model": "houses"},
        "Monitoring of houses is overdue: the newest day that it looked at ended 2d 2h 0m 0s ago.",
        {UNTIL: f"86400x{4 * DAY // 5}"}, at=2 * DAY + 120, step=5,
        also=[{}],
    ),
    Case(
        "LossNotJudged", level("loss", 1),
        {"job": "cd4ml-monitor", "model": "houses", "check": "loss"},
        "For a week, nobody could tell how good houses is: too few outcomes arrive, or their ids are not those of the "
        "predictions.",
        level("loss", 0), at=7 * DAY + 60, step=60, severity="warn",
        also=[level("model", 1)],
    ),
    Case(
        "OtherModelWatched", watched("2023-12"), {"job": "cd4ml-monitor", "model": "houses", "version": "2023-12"},
        "Monitoring of houses looks at 2023-12, and another version has answered for two days.",
        watched("2024-01"), at=2 * DAY + 60, step=5, severity="warn",
        also=[{'monitor_info{job="cd4ml-monitor",model="houses",version="2023-12"}': f"1x{3 * DAY // 5}"}],
    ),
]  # fmt: skip
