"""Systems outside voxpop, one folder each; they do not know each other."""
