"""Backends of a run that grade nothing: what they find is known before."""

from __future__ import annotations

import json


class Finds:
    """Workers that all find this result; `jobs` has what they were given."""

    def __init__(self, result):
        self.result = result
        self.jobs = []

    def run(self, jobs):
        for job in jobs:
            self.jobs.append(job)
            job.load()
            yield job.key, json.dumps(self.result).encode(), ""


class Nobody:
    """For a run that has every result already."""

    def run(self, jobs):
        raise AssertionError("nothing should have to be graded")
