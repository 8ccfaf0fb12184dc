"""What a report of usage is grouped by; stands alone, so that the command line is quick."""

from enum import StrEnum


class By(StrEnum):
    """What a report is grouped by."""

    ALIAS = "alias"
    PROVIDER = "provider"
    MODEL = "model"
    CALLER = "caller"
    PROJECT = "project"
    DAY = "day"
    HOUR = "hour"
    CLASS = "class"
