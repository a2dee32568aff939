"""`frostline VERB ...`: one module a verb, with `main(argv) -> exit status`; the first docstring line is its help."""
