"""`python -m attractory` is the command `attractory`."""

from attractory.cli.entry import main

if __name__ == "__main__":
    main()
