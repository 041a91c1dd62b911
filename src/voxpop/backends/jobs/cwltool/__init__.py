"""CWL workflows by cwltool, in process inside one confined child."""
