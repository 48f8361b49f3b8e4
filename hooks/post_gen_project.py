"""Remove what the project does not need, record what it was made of, make it a git repository, print the next commands.

Standard library only, no network, no commit.
"""

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

CONTEXT = dict(json.loads(r"""<< cookiecutter.items() | list | tojson >>"""))
TEMPLATE = Path(*json.loads(r"""<< ["" | folder_of_the_template] | tojson >>"""))

PROJECT = Path.cwd()
PLATFORMS = ("cloud-run", "fargate", "aci", "docker-host")
CACHES = ("__pycache__", ".hypothesis", ".import_linter_cache", ".mypy_cache", ".pytest_cache", ".ruff_cache")


def leave_out_other_platforms(chosen: str) -> None:
    """Remove the pages about the platforms that were not chosen."""
    for platform in PLATFORMS:
        if platform != chosen:
            (PROJECT / "docs" / f"{platform}.md").unlink(missing_ok=True)


def leave_out_actions(platform: str, registry: str) -> None:
    """Remove the actions that no workflow uses: a host is no cloud, and the cloud's own registry needs no other."""
    for name, unused in (("sign-in", platform == "docker-host"), ("registry-login", registry == "cloud")):
        action = PROJECT / ".github/actions" / name
        if unused and action.is_dir():
            shutil.rmtree(action)


def leave_out_caches() -> None:
    """Remove what tools left in the library, which is copied as it lies in the template."""
    for folder, names, _ in os.walk(PROJECT / "cd4ml"):
        for name in set(names) & set(CACHES):
            shutil.rmtree(Path(folder) / name)
            names.remove(name)


def name_the_lock_file(name: str) -> None:
    """Put the project's name into uv.lock, which cookiecutter copies: rendering half a megabyte takes it longest."""
    lock = PROJECT / "uv.lock"
    placeholder = "<" + "< cookiecutter.project_slug >>"
    lock.write_text(lock.read_text(encoding="utf-8").replace(placeholder, name), encoding="utf-8")


def record_what_it_was_made_of() -> None:
    """Write the template's address and version, the answers, and the files' checksums: `make update` needs them."""
    about = TEMPLATE / "pyproject.toml"
    version = tomllib.loads(about.read_text(encoding="utf-8"))["project"]["version"] if about.is_file() else ""
    is_repository = (TEMPLATE / ".git").exists() and shutil.which("git") is not None
    origin = git("config", "--get", "remote.origin.url", folder=TEMPLATE).stdout.strip() if is_repository else ""
    commit = git("rev-parse", "HEAD", folder=TEMPLATE).stdout.strip() if is_repository else ""
    address = origin or address_of_the_template()
    source = re.sub(r"^(?!ssh:)(\w+://)[^/@]+@", r"\1", address)  # no password goes into a file; ssh has a name there
    answers = (f"{name} = {in_toml(answer)}" for name, answer in CONTEXT.items() if not name.startswith("_"))
    lines = [
        "# What this project was generated from. `make update` reads it, and writes it again.",
        "[template]",
        *(
            f"{name} = {in_toml(value)}"
            for name, value in (("source", source), ("version", version), ("commit", commit))
        ),
        "",
        "[answers]",
        *answers,
    ]
    files = sorted(
        path for path in PROJECT.rglob("*") if path.is_file() and ".git" not in path.relative_to(PROJECT).parts
    )
    sums = (
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(PROJECT).as_posix()}" for path in files
    )
    (PROJECT / ".cd4ml.sums").write_text("\n".join(sums) + "\n", encoding="utf-8")
    (PROJECT / ".cd4ml.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def address_of_the_template() -> str:
    """Return where the template is, if it has no origin: a folder's whole path, or what the user typed.

    A work tree may be removed, so its clone's folder is returned.
    """
    if (TEMPLATE / ".git").is_file():
        common = git("rev-parse", "--path-format=absolute", "--git-common-dir", folder=TEMPLATE).stdout.strip()
        return common.removesuffix("/.git")
    typed = str(CONTEXT["_template"])
    folder = Path(os.environ.get("PWD", "."), typed)
    return str(folder.resolve()) if folder.is_dir() else typed


def in_toml(text: str) -> str:
    """Return text as a string of TOML: JSON's are, but for one character that pre_gen rejects."""
    return json.dumps(str(text), ensure_ascii=False)


def git(*arguments: str, folder: Path = PROJECT) -> subprocess.CompletedProcess[str]:
    """Run git in `folder`, whatever repository the environment points at (a git hook's GIT_DIR, say)."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def start_repository() -> str | None:
    """Run `git init -b main`; return what the user has to know if that was not possible."""
    if (PROJECT / ".git").exists():
        return None
    parent = PROJECT.parent
    try:
        outer = git("rev-parse", "--show-toplevel", folder=parent)
    except FileNotFoundError:
        return "git was not found, and the pipeline needs it: install it, then run `git init -b main` there"
    if outer.returncode == 0 and git("check-ignore", "-q", PROJECT.name, folder=parent).returncode != 0:
        return (
            f"the project lies inside the git repository {outer.stdout.strip()}, and uses that; run"
            " `uv run cd4ml move-workflows` in it, or `git init -b main` for a repository of its own"
        )
    made = git("-c", "init.defaultBranch=main", "init", "--quiet")
    return None if made.returncode == 0 else f"`git init -b main` failed: {made.stderr.strip().splitlines()[-1]}"


def way_here() -> str:
    """Return the project's folder as the user would type it after `cd`."""
    started_in = Path(os.environ.get("PWD", PROJECT)).resolve()
    return str(PROJECT.relative_to(started_in) if PROJECT.is_relative_to(started_in) else PROJECT)


if __name__ == "__main__":
    leave_out_other_platforms("<< cookiecutter.platform >>")
    leave_out_actions("<< cookiecutter.platform >>", "<< cookiecutter.registry >>")
    leave_out_caches()
    name_the_lock_file("<< cookiecutter.project_slug >>")
    record_what_it_was_made_of()
    if warning := start_repository():
        print(f"note: {warning}")
    print("Next:")
    print(f"  cd {shlex.quote(way_here())}")
    print("  make train")
    print("  make serve")
