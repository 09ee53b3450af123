"""The command line. Exit codes: 0 conforms, 1 does not, 2 wrong use, 130 interrupted."""

import os
import sys

import click

from conformance.catalogue import SPECIFICATION
from conformance.commands import (
    benchmarking,
    history,
    judging,
    proofs,
    reports,
    specification,
)
from conformance.errors import UsageError


def main() -> None:
    """Run the command line; wrong use ends with one line that says so."""
    try:
        # Outside its standalone mode click returns the code of an Exit.
        sys.exit(cli(standalone_mode=False))
    except UsageError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(judging.INTERRUPTED)
    except BrokenPipeError:
        # Whoever was reading (`| head`) has gone; nothing is left to say, and nobody to say it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dataloader-conformance")
@click.option(
    "--specification", default=SPECIFICATION, show_default=True, help="The package of chapters."
)
@click.pass_context
def cli(context: click.Context, specification: str) -> None:
    """Judge which promises of PyTorch's DataLoader a loader keeps."""
    context.obj = specification


for command in (
    specification.list_,
    specification.explain,
    judging.run_,
    reports.report,
    reports.merge,
    reports.reproduce,
    reports.compare,
    proofs.mutants,
    proofs.chaos,
    proofs.smoke,
    benchmarking.bench_,
    benchmarking.bench_power,
    history.history,
    history.chart,
    history.beside,
):
    cli.add_command(command)
