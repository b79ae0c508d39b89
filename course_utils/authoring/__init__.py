"""For instructors: lessons from solutions, how notebooks are run and checked."""
