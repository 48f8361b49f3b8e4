"""The gate: the challenger against the trivial baseline and the champion, on the same fresh rows."""
