"""The subcommands: `frostline NAME ...` calls `main(argv)` of the module NAME, which returns the exit status."""
