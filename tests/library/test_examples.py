"""A bundle whose predictions are no longer those in its examples.json is not served."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cd4ml.bundle.assemble import write_manifest
from cd4ml.bundle.bundle import Bundle
from cd4ml.bundle.examples import first_difference
from cd4ml.errors import BundleError
from cd4ml.serving.app import create_app
from cd4ml.serving.service_settings import ServiceSettings

Examples = dict[str, Any]


def with_other_examples(bundle: Path, copy: Path, change: Callable[[Examples], object]) -> Path:
    """Copy a bundle, change its examples, and write its checksums anew."""
    shutil.copytree(bundle, copy)
    examples = json.loads((copy / "examples.json").read_bytes())
    change(examples)
    (copy / "examples.json").write_text(json.dumps(examples))
    manifest = Bundle.load(bundle).manifest
    digest = hashlib.sha256((copy / "examples.json").read_bytes()).hexdigest()
    write_manifest(copy, msgspec.structs.replace(manifest, files=manifest.files | {"examples.json": digest}))
    return copy


def other_label(examples: Examples) -> None:
    examples["predictions"][3] = not examples["predictions"][3]


def other_probability(examples: Examples) -> None:
    examples["probabilities"][3] += 1e-4


def other_probability_of_a_class(examples: Examples) -> None:
    examples["probabilities"][3]["villa"] = 0.5


def other_number(examples: Examples) -> None:
    examples["predictions"][3] += 0.05


@pytest.mark.parametrize(
    ("task", "change"),
    [
        ("binary", other_label),
        ("binary", other_probability),
        ("multiclass", other_probability_of_a_class),
        ("regression", other_number),
    ],
)
def test_a_bundle_that_predicts_otherwise_than_when_it_was_made_is_not_served(
    tiny_bundles: dict[str, Path], tmp_path: Path, task: str, change: Callable[[Examples], None]
) -> None:
    altered = with_other_examples(tiny_bundles[task], tmp_path / "bundle", change)

    with pytest.raises(BundleError, match="example 3"):
        create_app(altered, ServiceSettings())


def test_a_label_that_only_rounding_decides_is_no_difference(tiny_bundle: Path, tmp_path: Path) -> None:
    threshold = Bundle.load(tiny_bundle).manifest.threshold

    def on_the_threshold(examples: Examples) -> None:
        examples["probabilities"][3], examples["predictions"][3] = threshold, True

    altered = Bundle.load(with_other_examples(tiny_bundle, tmp_path / "bundle", on_the_threshold))
    examples = altered.examples()
    probabilities, labels = [*examples["probabilities"]], [*examples["predictions"]]
    probabilities[3], labels[3] = threshold - 1e-7, False

    assert first_difference(altered, labels, probabilities) is None

    probabilities[3] = threshold - 1e-3
    assert first_difference(altered, labels, probabilities) is not None
