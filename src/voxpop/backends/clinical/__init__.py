"""Clinical sources: one folder a form."""
