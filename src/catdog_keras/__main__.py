"""`python -m catdog_keras`: the command-line interface, if scripts are not on the path."""

from catdog_keras.cli import main

if __name__ == "__main__":
    main(prog_name="python -m catdog_keras")
