"""Staging: from studies in an archive to de-identified, converted, laid-out images. Fails closed."""
