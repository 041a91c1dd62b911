"""The cohort: criteria become a frozen list of studies."""
