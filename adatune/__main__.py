"""`python -m adatune` is the same as `adatune`."""

from adatune.cli.main import main

if __name__ == "__main__":
    main()
