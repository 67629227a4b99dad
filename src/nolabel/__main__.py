"""`python -m nolabel` is `nolabel`; so `torchrun -m nolabel fit ...` trains in several processes."""

import sys

from nolabel.cli import main

if __name__ == "__main__":  # decoding starts processes that import this file anew
    sys.exit(main())
