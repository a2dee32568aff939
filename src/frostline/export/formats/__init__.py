"""The formats of `frostline export`: each module has `problems(trained)` and `write(trained, folder)`."""
