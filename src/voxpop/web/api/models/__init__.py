"""What the API is asked and what it answers; knows no framework, so that the client shares it."""
