"""`python -m course_utils.authoring.rules`."""

import sys

from . import main

sys.exit(main())
