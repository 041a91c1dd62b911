"""Durable work: DBOS workflows over the use cases. Each step calls one use case, and may be called twice."""
