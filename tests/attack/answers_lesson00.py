"""Answers that the bank does not list: getting started."""

# (exercise, "passes", "refused" or the mistake's name, the whole definition)
# fmt: off
ANSWERS = [
("to_unit_range", "passes", """
def to_unit_range(images):
    return torch.nn.functional.hardtanh((images + 1) / 2, 0, 1)
"""),
("to_unit_range", "refused", """
def to_unit_range(images):
    return (images.float() + 1) / 2
"""),
]
