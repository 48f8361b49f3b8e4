"""A bundle that no longer answers its own examples as the pipeline did is not served."""

import hashlib
import json
import shutil

import msgspec
import pytest
from cd4ml.bundle.assemble import write_manifest
from cd4ml.bundle.bundle import Bundle
from cd4ml.bundle.examples import first_difference
from cd4ml.errors import BundleError
from cd4ml.serving.app import create_app
from cd4ml.serving.service_settings import Settings


def with_other_examples(folder, copy, change):
    """Copy a bundle, change its examples, and make it whole again: its checksums are right, its answers are not."""
    shutil.copytree(folder, copy)
    examples = json.loads((copy / "examples.json").read_bytes())
    change(examples)
    (copy / "examples.json").write_text(json.dumps(examples))
    manifest = Bundle.load(folder).manifest
    digest = hashlib.sha256((copy / "examples.json").read_bytes()).hexdigest()
    write_manifest(copy, msgspec.structs.replace(manifest, files=manifest.files | {"examples.json": digest}))
    return copy


@pytest.mark.parametrize(
    ("problem", "change"),
    [
        ("binary", lambda told: told["predictions"].__setitem__(3, not told["predictions"][3])),
        ("binary", lambda told: told["probabilities"].__setitem__(3, told["probabilities"][3] + 1e-4)),
        ("multiclass", lambda told: told["probabilities"][3].__setitem__("villa", 0.5)),
        ("regression", lambda told: told["predictions"].__setitem__(3, told["predictions"][3] + 0.05)),
    ],
)
def test_a_bundle_that_answers_otherwise_than_when_it_was_made_is_not_served(tiny_bundles, tmp_path, problem, change):
    altered = with_other_examples(tiny_bundles[problem], tmp_path / "bundle", change)

    with pytest.raises(BundleError, match="example 3"):
        create_app(altered, Settings())


def test_a_label_that_only_rounding_decides_is_no_difference(tiny_bundle, tmp_path):
    threshold = Bundle.load(tiny_bundle).manifest.threshold

    def on_the_edge(told):
        told["probabilities"][3], told["predictions"][3] = threshold, True

    altered = Bundle.load(with_other_examples(tiny_bundle, tmp_path / "bundle", on_the_edge))
    examples = altered.examples()
    said = [*examples["probabilities"]]
    said[3] = threshold - 1e-7
    labels = [*examples["predictions"]]
    labels[3] = False

    assert first_difference(altered, labels, said) is None
    assert first_difference(altered, labels, [*said[:3], threshold - 1e-3, *said[4:]]) is not None
