"""The result: reports, the research object, and the way back from a figure to the query."""
