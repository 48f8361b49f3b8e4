"""The page for those who operate the service has every setting, with its default."""

import re
from pathlib import Path

from cd4ml.serving.service_settings import ServiceSettings

LIBRARY = Path(__file__).parents[2] / "<<cookiecutter.project_slug>>/cd4ml"


def test_the_documentation_has_every_variable_with_its_default():
    text = (LIBRARY / "docs/serving.md").read_text(encoding="utf-8")
    table = text.partition("## Settings\n")[2].partition("\n## ")[0]
    documented = dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) ?\| ", table, re.MULTILINE))

    defaults = ServiceSettings().model_dump()
    assert documented == {
        str(field.validation_alias): "" if defaults[name] in (None, ()) else str(defaults[name])
        for name, field in ServiceSettings.model_fields.items()
    }


def test_the_readme_of_the_library_links_to_it():
    assert "(docs/serving.md)" in (LIBRARY / "README.md").read_text(encoding="utf-8")
