"""Bring what changed in the template into a project: `make update`.

A project records what it was generated from (`record`). The template is generated twice with the project's answers, as
it was then and as it is now (`render`); what differs is a change of files (`plan`), which git merges into the project
with the old generation as the base (`merge`). What the team owns is left alone (`ownership`).

`update` is the verb. It fetches the template and lets the library of the *new* version do the rest, `carry_out`, so
that an old project needs to know nothing of what a later version asks for. Read `carry_out` first.

Imports the standard library and PyYAML only: it runs in the environment of the template, with cookiecutter.
"""
