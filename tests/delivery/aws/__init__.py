"""A stand-in for what moto has not: ECS Express Mode, as `cd4ml cloud` asks for it, on the loopback.

`cloud.py` starts moto and tells the real aws where both are; `server.py` answers over HTTP; `services.py` is an Express
service, `deployments.py` how ECS moves it from one revision to the next. `shop.py` is what a project's owner does.
"""
