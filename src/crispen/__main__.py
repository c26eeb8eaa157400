"""``python -m crispen`` is the same as ``crispen``."""

from crispen.cli.main import main

if __name__ == "__main__":
    main()
