"""A stand-in for the parts of Google Cloud that `cd4ml cloud` asks for, on the loopback.

`cloud.py` tells the real gcloud where it is; `server.py` answers over HTTP; `services.py` is Cloud Run's Admin API,
`revisions.py` the containers behind it, `traffic.py` the addresses of services and tags, `tokens.py` who may ask them;
`project.py` is everything that bootstrap makes; `rights.py` is what each identity may do, `sign_in.py` how a job of
GitHub's becomes one; `failures.py` is what goes wrong on request. For drills that are many
there is what a project's owner does (`shop.py`).
"""
