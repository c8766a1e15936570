"""`python -m detector`: the command line."""

from detector.app import main

main()
