"""Git in a GitHub workflow: how it gets the workflow's token."""

from cd4ml.files.git import github_credentials


def test_the_token_is_added_to_gits_existing_settings() -> None:
    environment = {"GITHUB_ACTIONS": "true", "GITHUB_TOKEN": "t", "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "x"}

    assert github_credentials(environment) == {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_1": "http.https://github.com/.extraheader",
        "GIT_CONFIG_VALUE_1": "AUTHORIZATION: basic eC1hY2Nlc3MtdG9rZW46dA==",
    }


def test_outside_a_workflow_git_gets_no_token() -> None:
    assert github_credentials({"GITHUB_TOKEN": "t"}) == {}
