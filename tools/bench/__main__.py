"""`python -m tools.bench`."""

if __name__ == "__main__":
    # Imported only here: each contestant's process imports this module again, and needs none of it.
    from tools.bench.cli import main

    raise SystemExit(main())
