"""What a person types and reads: the verbs, their arguments, lines of progress, aligned tables.

Read first: `verbs`, the table of everything that `cd4ml` can do. A new verb is a line there and a `main(argv)`.
"""
