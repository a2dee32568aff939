"""What `import frostline` offers: the subcommands and runs as functions."""
