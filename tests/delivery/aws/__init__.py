"""A stand-in for what moto has not: ECS Express Mode, as `cd4ml cloud` asks for it, on the loopback.

`cloud.py` starts moto and tells the real aws where both are; `server.py` answers over HTTP; `services.py` is an Express
service, `deployments.py` how ECS moves it from one revision to the next. `shop.py` is what a project's owner does.

`gate.py` stands before moto: both check every call (`calls.py`) against the policies (`policies.py`) of who calls
(`identities.py`), and what was just made may be unknown to some calls. ECS works as the roles that it was passed
(`tasks.py`).
"""
