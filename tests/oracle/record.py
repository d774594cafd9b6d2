r"""Record the frameworks' trajectories: `make oracle`. Needs PyTorch, Optax and the rest."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from cases import CASES, run_framework

PACKAGES = ("torch", "optax", "jax", "prodigyopt", "dadaptation", "schedulefree")
RECORD = Path(__file__).with_name("trajectories.npz")


def main() -> None:
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    made_by = ", ".join(f"{name} {version}" for name, version in versions.items())
    arrays = {case.name: run_framework(case) for case in CASES}
    np.savez_compressed(RECORD, made_by=np.array(made_by), **arrays)
    print(f"recorded {len(arrays)} trajectories with {made_by} in {RECORD.name}")


if __name__ == "__main__":
    main()
