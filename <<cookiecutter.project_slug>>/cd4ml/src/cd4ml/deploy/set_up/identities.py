"""Who does what in a cloud: the identities of a project, and the environments of GitHub that sign in as them."""

READER, TRAINER, DEPLOYER, RUNTIME = "reader", "trainer", "deployer", "runtime"
SIGNING_IN = (READER, TRAINER, DEPLOYER)
"""Whom GitHub's jobs sign in as; the deployer's turn is last."""
IDENTITIES = (*SIGNING_IN, RUNTIME)

ENVIRONMENTS_OF = {READER: (READER,), TRAINER: (TRAINER,), DEPLOYER: ("staging", "production")}
"""The environments of GitHub whose jobs sign in as an identity."""

_PURPOSES = {
    READER: "reads data and models",  # ci, and the build in cd
    TRAINER: "writes data and models",  # ct; and reads the prediction log, in monitor
    DEPLOYER: "pushes images and deploys",
    RUNTIME: "what the service runs as",  # adds to the prediction log, reads its own keys
}


def purpose(slug: str, who: str) -> str:
    """Return what an identity is for, as its description in the cloud."""
    return f"{slug}: {_PURPOSES[who]}"
