"""Projects of users: the files of a new one, and the config folder that its pyproject.toml names."""
