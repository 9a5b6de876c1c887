"""`catdog-keras scan`: reports nonstandard and unreadable image files."""

import sys

import click

from catdog_keras.cli.argument_checks import check_folder_exists
from catdog_keras.cli.errors import user_errors
from catdog_keras.cli.frameworks import import_frameworks
from catdog_keras.cli.interrupts import handle_interrupts


@click.command(short_help="List bad, nonstandard and duplicate image files.")
@click.argument("directory")
@click.option("--near-duplicates", is_flag=True, help="Also list near-duplicate images.")
@click.option(
    "--recheck", is_flag=True, help="Decode files again that have not changed since a check."
)
@click.option(
    "--all",
    "all_files",
    is_flag=True,
    help="List every nonstandard file, not only the first ones with the same reason.",
)
def scan(directory: str, near_duplicates: bool, recheck: bool, all_files: bool) -> None:
    """List bad, nonstandard and duplicate image files under DIRECTORY.

    Files that have not changed since an earlier check are not decoded again.

    The exit status is 1 if a file is bad: it cannot be read as an image.
    """
    with user_errors():
        check_folder_exists("directory", directory)
        import_frameworks()
        from catdog_keras.datasets import scan_images

        with handle_interrupts():
            report = scan_images(directory, near_duplicates=near_duplicates, recheck=recheck)
    click.echo(report.to_text(all_files=all_files))
    sys.exit(1 if report.bad else 0)
