"""The bank: what each exercise accepts, says and hints, one module a lesson."""

import importlib
import pkgutil

for _module in sorted(pkgutil.iter_modules(__path__)):  # each registers its exercises
    importlib.import_module(f"{__name__}.{_module.name}")
