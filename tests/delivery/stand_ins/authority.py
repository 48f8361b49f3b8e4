"""A certificate authority, which this machine's clients trust when they are told to."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import trustme


class Authority:
    """One authority; `file` is its certificate."""

    def __init__(self, folder: Path) -> None:
        self.signs = trustme.CA()
        self.file = folder / "authority.pem"
        self.signs.cert_pem.write_to_path(self.file)
        self.asks = ssl.create_default_context(cafile=str(self.file))
        """What a client asks with that trusts this authority alone."""

    def serves(self, name: str = "127.0.0.1") -> ssl.SSLContext:
        """What a server of this name answers with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.signs.issue_cert(name).configure_cert(context)
        return context

    def trusted(self) -> dict[str, str]:
        """The variables with which programs trust this authority, besides all that they trusted before."""
        before = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
        everybody = self.file.with_name("everybody.pem")
        known = Path(before).read_text(encoding="utf-8") if before else ""
        everybody.write_text(f"{known}\n{self.file.read_text(encoding='utf-8')}", encoding="utf-8")
        return dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE"), str(everybody))
