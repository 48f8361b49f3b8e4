"""Requests per second, latency, start-up, memory and size of the generated service, beside other ways to serve.

`__main__.py` runs it all; `contenders.py` lists who takes part. Their code and their lock files are in
benchmarks/serving_peers/.
"""
