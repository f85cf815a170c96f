"""``python -m meterling_tools.simulate``: the same as ``meterling simulate``."""

import argparse
import sys

from . import cli

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="meterling simulate", description=cli.__doc__)
    cli.add_arguments(parser)
    sys.exit(cli.run(parser.parse_args()))
