"""The benchmark: Diptych beside what would be used otherwise, and beside what the hardware allows.

    python -m tools.bench --size small

Each row of the result is one file under `rows/`; each peer one file under `peers/`.
"""
