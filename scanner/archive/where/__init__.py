"""Which records a hunt is about: a predicate in SQL that prunes partitions and row groups and filters rows."""

from scanner.archive.where.possible import ColumnStats
from scanner.archive.where.predicate import Predicate
from scanner.archive.where.statistics import Statistics
from scanner.archive.where.tree import WhereError

__all__ = ["ColumnStats", "Predicate", "Statistics", "WhereError"]
