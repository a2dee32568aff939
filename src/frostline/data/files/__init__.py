"""Read the files of a user: tables and folders of the hub, their cells, columns and labels."""
