"""Archives of images: one folder a protocol."""
