"""What the specification says: `list` and `explain`."""

from collections.abc import Sequence

import click
from rich.console import Console
from rich.syntax import Syntax

from conformance.catalogue import catalogue, nearest
from conformance.commands.options import selecting
from conformance.errors import UsageError
from conformance.loaders import available
from conformance.report import markdown


@click.command("list")
@selecting
@click.option("--loaders", is_flag=True, help="The names that --loader takes, instead.")
@click.option("--markdown", "as_page", is_flag=True, help="The whole catalogue as a page.")
@click.pass_obj
def list_(
    specification: str,
    chapters: Sequence[str],
    words: Sequence[str],
    basis: str | None,
    loaders: bool,
    as_page: bool,
) -> None:
    """List the requirements, chapter by chapter."""
    if as_page:
        click.echo(markdown.render_catalogue(catalogue(specification)), nl=False)
        return
    if loaders:
        click.echo("\n".join([*available(), "module:callable  (any callable like the DataLoader)"]))
        return
    console = Console(soft_wrap=True, highlight=False)
    chapter = ""
    for requirement in catalogue(specification).select(chapters, words, basis):
        if requirement.chapter != chapter:
            chapter = requirement.chapter
            console.print(f"\n[bold]{chapter}[/bold]")
        console.print(f"  {requirement.name} [dim]{requirement.level}, {requirement.basis}[/dim]")


@click.command()
@click.argument("identifier", metavar="ID")
@click.pass_obj
def explain(specification: str, identifier: str) -> None:
    """Explain a requirement, or a claim of the documents, by its ID."""
    console = Console(highlight=False)
    claims = catalogue(specification).claims()
    if identifier in claims:
        console.print(identifier, style="bold")
        for key, value in claims[identifier].items():
            console.print(f"  {key}: {value}", markup=False)
        return
    if identifier.startswith(("D1-", "D2-")):
        raise UsageError(f"no claim has the id {identifier!r}; {nearest(identifier, claims)}")
    requirement = catalogue(specification).get(identifier)
    console.print(f"{requirement.chapter}.{requirement.name}", style="bold")
    console.print(f"\n{requirement.sentence}\n\n{requirement.reason}\n", markup=False)
    for claim in requirement.claims:
        console.print(f"  {claim}: {claims.get(claim, {}).get('says', '')}", markup=False)
    for link in requirement.evidence:
        console.print(f"  evidence: {link}", markup=False)
    mutants = ", ".join(mutant.name for mutant in requirement.mutants)
    console.print(f"  mutants it catches: {mutants}\n", markup=False)
    console.print(Syntax(requirement.source_text(), "python", background_color="default"))
