"""The command line: one file per command, each parses, builds options, calls, and renders.

The report goes to standard output, everything else to standard error. What a person did wrong is one sentence there,
and an exit status (`exits`). Commands import what they need when they run, so that `--help` answers at once.
"""
