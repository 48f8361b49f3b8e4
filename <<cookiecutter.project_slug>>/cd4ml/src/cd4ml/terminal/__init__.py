"""The command line's input and output: verbs, their arguments, lines of progress, aligned tables.

Read first: `verbs`, the table of everything that `cd4ml` can do. A new verb is an entry there and a `main(argv)`.
"""
