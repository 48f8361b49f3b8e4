"""The image that serves models/bundle, one module a step: built, archived, listed, scanned, published, and tried.

What is scanned and what is published is build/image.tar (`archive_file`), and no image of that name in an engine.
"""
