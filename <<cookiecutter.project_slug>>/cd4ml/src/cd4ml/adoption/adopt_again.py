"""Adopt another table, or the same one once more, in a project whose contract a person has edited."""

from cd4ml.adoption.project_files import LEFT_OUT, with_values
from cd4ml.adoption.setting import Setting
from cd4ml.adoption.source_files import place_in_project
from cd4ml.contract.contract import Contract
from cd4ml.errors import UserError
from cd4ml.files.atomic import write_text
from cd4ml.settings import paths
from cd4ml.settings.params import DataParams, Params
from cd4ml.source.compare_contract import print_comparison
from cd4ml.source.contract_values import with_plain_numbers
from cd4ml.source.read import read_source


def adopt_again(data: DataParams, target: str) -> None:
    """Use another source, and keep everything else; print what its rows suggest beside what contract.yaml says.

    Raises:
        UserError: contract.yaml has another target; or the source cannot be read.
    """
    contract = Contract.load(paths.CONTRACT)
    if target != contract.target.name:
        raise UserError(
            f"{paths.CONTRACT} has the target {contract.target.name}, not {target}. To start again, which replaces "
            f"features.py, model.py and their settings, too: rm {paths.CONTRACT}, and call adopt"
        )
    params = Params.load().data
    data = params.model_copy(update={"source": data.source, "query": data.query})
    source = with_plain_numbers(read_source(data), data)
    data = data.model_copy(update={"source": place_in_project(data.source)})
    if (data.source, data.query) != (params.source, params.query):
        settings = {"source": Setting(data.source), "query": Setting(data.query)}
        write_text(paths.PARAMS, with_values(paths.PARAMS.read_text(encoding="utf-8"), "data", settings))
    print(f"kept: {paths.CONTRACT}, features.py, model.py and their settings; the source is {data.source}")
    text = paths.CONTRACT.read_text(encoding="utf-8")
    left_out = text.partition(LEFT_OUT)[2]
    print_comparison(source, contract, left_out)
    print("next: make refresh, then make train")
