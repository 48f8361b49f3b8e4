"""A stand-in for the parts of Azure that `cd4ml cloud` asks for, on the loopback.

`cloud.py` tells the real az where it is; `server.py` answers over HTTPS; `entra.py` is who may ask, and the app
registrations; `resources.py` everything that bootstrap makes; `groups.py` the container groups, and `caddy.py` the real
Caddy that is in front of each. What a project's owner does and sees is in `shop.py` for releases, and in `site.py` for
what bootstrap makes.
"""
