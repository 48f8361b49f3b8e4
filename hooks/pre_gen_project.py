"""Reject an answer that would make a broken project: one line that names the error and an answer that works.

Runs before anything is written; cookiecutter then removes the empty folder. Standard library only.
"""

import builtins
import json
import keyword
import re
import sys
import unicodedata

SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST_SLUG = 40  # an image name, a service name and a bucket name made from it stay legal
UNFIT = ("Cc", "Cs", "Zl", "Zp")  # control characters, half characters, line and paragraph separators
BIDI = "\u202a\u202b\u202c\u202d\u202e"  # these change the direction of text: it reads otherwise than it is written
OWNER = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*")
LONGEST_OWNER = 39

# Distributions the project installs, cd4ml among them: a project of the same name would clash with it in the lock file.
LOCKED = "<< 'uv.lock' | locked >>".split()

# What those, and the tools that such a project often adds, are imported as, if that name differs.
IMPORTED = """
    alembic antlr4 arch attr bin botocore bs4 cloudpickle cv2 dateutil docker dotenv dulwich flask flufl
    fsspec git gitdb google grandalf graphql grpc gunicorn h11 h5py hydra jax jinja2 jose jwt keras
    kombu lightgbm magic markdown_it mlflow moto mpl_toolkits mypy_extensions mypyc notebook numpy
    oauthlib odf onnx onnxruntime opentelemetry packaging pandas pandera PIL pkg_resources polars
    psycopg2 public py pyarrow pydantic pydevd_plugins pygit2 pylab pytest ruamel ruff sagemaker scipy
    scmrepo setuptools shtab skl2onnx sklearn skops smmap socks sqlalchemy sqltrie starlette tensorflow
    torch transformers typing_extensions uv uvicorn validate wheel xgboost yaml zc
""".split()

# Folders of the project, and names its .gitignore, make or pytest give another meaning.
OCCUPIED = "build conftest data dist docs models notebooks reports src test tests".split()

# What a cloud refuses in the names that are made of a slug, and how it is said. `check_names` of the library's
# deploy/cloud_run/settings.py and deploy/aci/settings.py has the same, because `make update SET=platform=...` can bring
# a slug there later.
RESERVED = {
    "cloud-run": (re.compile(r"google|^goog"), 'Google Cloud has no bucket with "google" in its name, or "goog" first'),
    "aci": (
        re.compile(r"windows|microsoft|^login"),
        'Azure has no "windows" or "microsoft" in a name, or "login" first',
    ),
}
RESERVED_POOLS = "gcp-"  # of Google's identity pools, for OIDC


def reject(question: str, reason: str, works: str) -> None:
    """End generation with one line on stderr; `works` is an answer that would be accepted."""
    sys.exit(f"{question}: {reason}; an answer that works: {works}")


def why_not_a_package(name: str) -> str | None:
    """Return why a package of this name could not be imported, or would hide another one; None if it is fine."""
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        return "a word of the Python language"
    if name in sys.stdlib_module_names or name in dir(builtins):
        return "a name of Python's standard library"
    taken = {other.replace("-", "_").lower() for other in LOCKED + IMPORTED}
    if name in taken:
        return "the name of a package that the project uses"
    if name in OCCUPIED:
        return "the name of one of the project's own folders"
    return None


def check_slug(slug: str) -> None:
    """Reject a slug that is not a name of a folder, of an image and, with underscores, of an importable package."""
    if not SLUG.fullmatch(slug) or len(slug) > LONGEST_SLUG:
        plain = re.sub("[^a-z0-9]+", "-", slug.lower()).strip("-")[:LONGEST_SLUG].rstrip("-")
        usable = SLUG.fullmatch(plain) and not why_not_a_package(plain.replace("-", "_"))
        rule = f"is not a-z, 0-9 and single hyphens, from a letter on, {LONGEST_SLUG} characters at most"
        reject("project_slug", f"{slug!r} {rule}", plain if usable else "flight-delays")
    if reason := why_not_a_package(slug.replace("-", "_")):
        reject("project_slug", f"{slug!r} is {reason}", f"{slug[: LONGEST_SLUG - 6].rstrip('-')}-model")


def check_names_in_cloud(answers: dict[str, str]) -> None:
    """Reject a slug that the platform's cloud refuses in the names of resources, after it has made others."""
    slug, platform = answers["project_slug"], answers["platform"]
    if platform in RESERVED:
        pattern, rule = RESERVED[platform]
        if pattern.search(slug.replace("-", "") if platform == "aci" else slug):  # some names in Azure have no hyphens
            reject("project_slug", f"{slug!r} cannot be used on {platform}: {rule}", "flight-delays")
    if platform == "cloud-run" and answers["credentials"] == "oidc" and slug.startswith(RESERVED_POOLS):
        rule = f"Google Cloud keeps names of identity pools for itself that begin with {RESERVED_POOLS}"
        reject("project_slug", f"{slug!r} cannot be used on {platform} with oidc: {rule}", "flight-delays")


def check_text(question: str, text: str, works: str) -> None:
    """Reject text that does not stay on one visible line; any script, quotes and markup are welcome."""
    for place, character in enumerate(text, 1):
        if unicodedata.category(character) in UNFIT or character in BIDI:
            what = f"character {place} is U+{ord(character):04X}, which a line of text cannot hold"
            reject(question, what, works)


def check_answers(answers: dict[str, str]) -> None:
    """Reject the first answer that would not work."""
    check_slug(answers["project_slug"])
    for question, works in (
        ("project_name", "Flight Delays"),
        ("description", "Will this flight land fifteen minutes late?"),
        ("author", "Ada Lovelace"),
    ):
        check_text(question, answers[question], works)
        if question != "description" and not answers[question].strip():
            reject(question, "it is empty", works)
    owner = answers["github_owner"]
    if not OWNER.fullmatch(owner) or len(owner) > LONGEST_OWNER:
        rule = f"is not a GitHub name (letters, digits and single hyphens, {LONGEST_OWNER} characters at most)"
        plain = re.sub("[^A-Za-z0-9]+", "-", owner).strip("-")[:LONGEST_OWNER].rstrip("-")
        reject("github_owner", f"{owner!r} {rule}", plain or "octo-org")
    check_names_in_cloud(answers)
    if answers["platform"] == "docker-host":
        check_host(answers)


def check_host(answers: dict[str, str]) -> None:
    """Reject what a host does not have: it trusts no tokens of GitHub's, and has no registry."""
    if answers["credentials"] == "oidc":
        reject("credentials", "a host of one's own lets in keys, and no tokens of GitHub's", "service-account")
    if answers["registry"] == "cloud":
        reject("registry", "a host of one's own has no registry, and pulls its images from another", "ghcr")


if __name__ == "__main__":
    check_answers(json.loads(r"""<< cookiecutter | tojson >>"""))
