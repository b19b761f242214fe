"""What rungs are made of: constants, lines, dense layers, silos, and networks on disk."""
