"""What DVC and git remember of this project. DVC itself is not imported: its lock is YAML, and
its cache is laid out by the md5 of what it holds."""
