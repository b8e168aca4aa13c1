"""One file that holds an installation: database, pictures and key; and the way back from it."""
