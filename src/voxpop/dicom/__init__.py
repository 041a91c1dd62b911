"""The DICOM standard as plain facts and bytes: tags, value syntax, UIDs, the IODs, and PS3.15's table. Pure."""
