"""Toys: thrown and fitted in blocks, on any number of processes, kept in runs that resume and merge."""

from eventfit.inference.toys.dask import dask_executor
from eventfit.inference.toys.run import ToyRun, merge
from eventfit.inference.toys.throw import Hypothesis, Toys, ToySample

__all__ = ["Hypothesis", "ToyRun", "ToySample", "Toys", "dask_executor", "merge"]
