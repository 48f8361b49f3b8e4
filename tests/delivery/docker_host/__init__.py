"""A real host: the machine's engine, reached over ssh on the loopback, with a real Caddy before what is released."""
