"""Set up what a project needs in a cloud and on GitHub, look whether it is there, renew its keys, and remove it again.

The same on every platform; what a platform has of its own is a `SetUp`.
"""
