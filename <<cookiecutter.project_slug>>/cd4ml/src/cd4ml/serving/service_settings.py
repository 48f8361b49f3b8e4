"""Read the service's settings from environment variables and from arguments, which take precedence."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AliasGenerator, Field, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from cd4ml.errors import UserError
from cd4ml.serving.setting_types import KeyDigests, LogAddress, Origins, PathPrefix, whole_number
from cd4ml.settings import paths
from cd4ml.terminal.arguments import Arguments

_ARGUMENTS = {"HOST": "host", "PORT": "port", "WORKERS": "workers"}  # by variable


class ServiceSettings(BaseSettings):
    """The address, the bundle, the limits and the API keys of the service, and who may call it from where.

    Each is the environment variable of its name in capital letters, or of its `validation_alias`. `read` reads the
    variables; the constructor only takes values, by their names here.
    """

    model_config = SettingsConfigDict(
        alias_generator=AliasGenerator(validation_alias=str.upper),
        case_sensitive=True,
        frozen=True,
        hide_input_in_errors=True,  # an input may be a key
        validate_by_name=True,
    )

    host: str = "127.0.0.1"
    port: Annotated[int, whole_number(0, 65_535)] = 8000
    workers: Annotated[int, whole_number(1, 256)] = 1
    """Processes that serve."""
    bundle: Annotated[Path, Field(validation_alias="MODEL_BUNDLE")] = paths.BUNDLE
    max_rows: Annotated[int, whole_number(1, 1_000_000)] = 1000
    """Rows in one request."""
    max_bytes: Annotated[int, whole_number(1, 2**31 - 1)] = 1024 * 1024
    """Size of one request's body."""
    request_timeout: Annotated[int, whole_number(1, 3600)] = 10
    """Seconds in which a request must have arrived, from its first byte; and a client read what it is sent."""
    keep_alive: Annotated[int, whole_number(1, 3600)] = 65
    """Seconds for which a connection stays open between two requests: longer than load balancers keep theirs."""
    max_connections: Annotated[int, whole_number(1, 1_000_000)] = 900
    """Open connections: with the files that the service has open, fewer than the usual limit of 1,024."""
    max_waiting: Annotated[int, whole_number(1, 1_000_000)] = 256
    """Requests that have arrived and are not answered; one more gets a 503."""
    max_large_batches: Annotated[int, whole_number(1, 10_000)] = 64
    """Of these, batches of more than 200 rows or 64 KiB, which are predicted one after the other."""
    api_keys: Annotated[KeyDigests, NoDecode, Field(validation_alias="SERVICE_API_KEYS", repr=False)] = ()
    """Digests of keys; a request must send one of the keys unless its path is public. Without any, none is required."""
    root_path: PathPrefix = ""
    """The prefix under which a proxy publishes the service, such as /models/houses."""
    cors_origins: Annotated[Origins, NoDecode] = ()
    """The web pages that may send requests from a browser, by their origin; `*` is all of them."""
    metrics_public: Literal["yes", "no"] = "no"
    """Whether /metrics can be read without a key."""
    log_format: Literal["json", "text"] | None = None
    """Of the log on standard error; by default text on a terminal, and JSON elsewhere."""
    prediction_log: LogAddress = ""
    """Where predictions are recorded: `stdout`, a folder, or the URL of a bucket; nowhere if it is empty."""
    prediction_log_interval: Annotated[int, whole_number(1, 3600)] = 10
    """Seconds between two writes, and so what a crash may lose."""
    prediction_log_batch: Annotated[int, whole_number(1, 1_000_000)] = 5_000
    """Records in one file; as many are written before the interval is over."""
    prediction_log_queue: Annotated[int, whole_number(1, 10_000_000)] = 20_000
    """Records that may wait to be written; beyond it they are dropped, and counted."""
    prediction_log_flush: Literal["", "interval", "request"] = ""
    """`request`: each response waits until its records are written, as by default on Cloud Run; else `interval`."""
    cloud_run_service: Annotated[str, Field(validation_alias="K_SERVICE")] = ""
    """Set by Cloud Run, which stops the CPU between two requests."""

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the constructor's arguments as the only source, so that only `read` reads an environment."""
        return (init_settings,)

    @classmethod
    def read(cls, argv: list[str], environment: Mapping[str, str]) -> Self:
        """Return the settings from arguments and environment; an empty variable counts as unset.

        Raises:
            UserError: a value is not valid; one line for each that is not.
        """
        arguments = Arguments("serve")
        for name in _ARGUMENTS.values():
            arguments.add_argument(f"--{name}")
        options = vars(arguments.parse_args(argv))
        given = {variable: options[name] for variable, name in _ARGUMENTS.items() if options[name] is not None}
        variables = EnvSettingsSource(cls)
        variables.env_vars = {name: value for name, value in environment.items() if value and name.isupper()}
        try:
            return cls(**{**variables(), **given})
        except ValidationError as invalid:
            lines = [_described(error, given) for error in invalid.errors()]
            raise UserError("\n".join(lines)) from None


def _described(error: Any, arguments: Mapping[str, str]) -> str:
    """Return one line about a value that is not valid: the argument or variable, what is wrong, and what to write."""
    variable = str(error["loc"][0])
    name = f"--{_ARGUMENTS[variable]}" if variable in arguments else variable
    if error["type"] == "value_error":
        return f"{name} {error['ctx']['error']}"
    if error["type"] == "literal_error":
        expected = error["ctx"]["expected"].replace("'', ", "").replace("'", "")  # '' is what an unset variable has
        return f'{name} is "{error["input"]}"; write {expected}'
    return f"{name} is not valid: {error['msg']}"


def bundle_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder of the bundle: MODEL_BUNDLE, or the one that the pipeline writes."""
    return Path(environment.get("MODEL_BUNDLE") or paths.BUNDLE)
