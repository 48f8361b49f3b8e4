"""A package index on this machine, which may ask for a name and a password, and packages without content."""

from __future__ import annotations

import base64
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread


@contextmanager
def served(folder: Path, login: tuple[str, str] | None = None) -> Iterator[str]:
    """Serve the wheels of `folder/simple`; yield the address. With a login, everything else gets a 401."""
    wanted = "Basic " + base64.b64encode(":".join(login).encode()).decode() if login else None

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if wanted and self.headers["Authorization"] != wanted:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="packages"')
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                super().do_GET()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def list_wheels(folder: Path) -> None:
    """Write the pages that name the wheels in each folder of `folder/simple`."""
    for packages in (folder / "simple").iterdir():
        wheels = sorted(path.name for path in packages.glob("*.whl"))
        (packages / "index.html").write_text("".join(f'<a href="{name}">{name}</a>\n' for name in wheels))


def add_empty_wheel(folder: Path, name: str, version: str) -> None:
    """Put a package without content into an index, in the form of the wheel specification."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
    packages = folder / "simple" / name
    packages.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(packages / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, content in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(path, content)
    list_wheels(folder)
