"""Files as git keeps them: of a folder, of a commit, and as a tree of the repository."""

from pathlib import Path

from cd4ml.files.git import output_of, run_git, top_folder, write_tree
from cd4ml.files.temporary import temporary_folder
from cd4ml.update.layout import Layout
from cd4ml.update.plan import Entry, Tree

_AS_THEY_LIE = (
    *("-c", "core.autocrlf=false", "-c", "core.fileMode=true", "-c", "core.safecrlf=false"),
    *("-c", "core.sparseCheckout=false"),
)


def tree_of_folder(folder: Path) -> str:
    """Return the id of a tree with all files of a folder, which is put into the repository of this folder."""
    repository = output_of("rev-parse", "--absolute-git-dir")
    with temporary_folder("index-") as scratch:
        index = {"GIT_INDEX_FILE": str(scratch / "index")}
        there = ("-C", str(folder), "--git-dir", repository, "--work-tree", str(folder))
        output_of(*_AS_THEY_LIE, *there, "add", "--all", "--force", ".", environment=index)
        return output_of("--git-dir", repository, "write-tree", environment=index)


def files_of(tree: str) -> dict[str, Entry]:
    """Return the files of a tree or a commit."""
    listed = run_git("ls-tree", "-r", "-z", "--full-tree", tree)
    entries = {}
    for line in listed.stdout.split("\0"):
        if line:
            description, _, path = line.partition("\t")
            mode, _, blob = description.split()
            entries[path] = Entry(mode, blob)
    return entries


def project_files(commit: str, layout: Layout) -> dict[str, Entry]:
    """Return the project's files in a commit of its repository."""
    found = ((layout.in_project(path), entry) for path, entry in files_of(commit).items())
    return {path: entry for path, entry in found if path is not None}


def tree_of(files: Tree, layout: Layout) -> str:
    """Return the id of a tree of the repository: HEAD's, with these files as the project's."""
    lines = (f"{entry.mode} blob {entry.blob}\t{layout.in_repository(path)}\0" for path, entry in files.items())
    without = [".", *([":(top).github"] if layout.workflows_at_root else [])]
    return write_tree("".join(lines), "HEAD", without)


def blob_of(text: str) -> str:
    """Return the id of a file's content, which is put into the repository."""
    return output_of("hash-object", "-w", "--stdin", "--no-filters", stdin=text)


def text_of(tree: str, path: str) -> str | None:
    """Return the text of a file in a tree or a commit; None if it is not there."""
    shown = run_git("cat-file", "-p", f"{tree}:{path}")
    return None if shown.returncode else shown.stdout


def write_files(tree: str, folder: Path) -> None:
    """Write all files of a tree into a folder."""
    with temporary_folder("index-") as scratch:
        index = {"GIT_INDEX_FILE": str(scratch / "index")}
        output_of("read-tree", tree, environment=index)
        output_of("-C", top_folder(), "checkout-index", "--all", f"--prefix={folder}/", environment=index)


def moved_files(before: str, after: str) -> dict[str, str]:
    """Return where files of one tree are in another, by git's detection of renames: old path to new path.

    Empty files are all alike, so none counts as moved, as in a merge.
    """
    options = ("-r", "-z", "--find-renames", "--no-rename-empty", "--diff-filter=R", "--name-status")
    words = run_git("diff-tree", *options, before, after).stdout.split("\0")
    return dict(zip(words[1::3], words[2::3], strict=False))
