"""The freezing plan: rules, groups, phases, frost line, table."""
