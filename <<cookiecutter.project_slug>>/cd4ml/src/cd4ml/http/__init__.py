"""Send HTTP requests to servers outside: GitHub, clouds, webhooks, sources. What serves does not import this.

Read first: `client`, which sends a request and repeats it; `exchange` is one attempt, and has the rules for addresses.
It needs the extra `delivery`, which is not in the image.
"""

from importlib.util import find_spec

from cd4ml.errors import UserError

if _missing := [name for name in ("httpx2", "stamina") if find_spec(name) is None]:
    raise UserError(f"{' and '.join(_missing)} not installed; run make setup, or uv sync --locked --group delivery")
