"""Run the command line as ``python -m voxpop``."""

from voxpop.cli.main import main

if __name__ == "__main__":
    main()
