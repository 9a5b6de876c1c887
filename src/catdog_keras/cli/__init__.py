"""The command `catdog-keras`: the library's functions, from a shell."""

import click

from catdog_keras.cli import evaluate, predict, scan, train, tutorial


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="catdog-keras")
def main() -> None:
    """Classify pictures with Keras: cats and dogs first, any folder of classes after that."""


main.add_command(tutorial.tutorial)
main.add_command(train.train)
main.add_command(evaluate.evaluate)
main.add_command(predict.predict)
main.add_command(scan.scan)
