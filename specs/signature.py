"""How a loader is called: the names, places and defaults of its constructor's parameters.

The constructor is judged by the signature that `inspect` sees, as editors, type checkers and
configuration libraries do. A loader may lack parameters and have more of its own; each it shares
with the documents is to be called, placed and preset as there (D1 §DataLoader, D2 §2).
"""

from inspect import Parameter, Signature
from itertools import takewhile
from typing import Any

from conformance import Honest, Identity, LoaderRequest, Subject, Trace, Watched, epoch, requirement

TORCH_DATA = "https://docs.pytorch.org/docs/stable/data.html"
DEFAULTS = {
    "batch_size": 1,
    "shuffle": None,
    "sampler": None,
    "batch_sampler": None,
    "num_workers": 0,
    "collate_fn": None,
    "pin_memory": False,
    "drop_last": False,
    "timeout": 0,
    "worker_init_fn": None,
    "multiprocessing_context": None,
    "generator": None,
    "prefetch_factor": None,
    "persistent_workers": False,
    "pin_memory_device": "",
    "in_order": True,
}
NAMES = ["dataset", *DEFAULTS]
BY_POSITION = NAMES[:13]
DEFAULT_CLAIMS = [f"D1-006{letter}" for letter in "abcdefghijklmnop"]


def works(subject: Subject) -> bool:
    """Tell whether the loader loads at all: a signature alone is worth nothing."""
    with subject.open(Identity(3)) as loader:
        return epoch(loader) == [[0], [1], [2]]


def named(subject: Subject) -> dict[str, Parameter]:
    """Return the constructor's parameters without what gathers the rest, as **options does."""
    return {
        name: parameter
        for name, parameter in subject.signature().parameters.items()
        if parameter.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    }


def binds(subject: Subject, *values: Any, **options: Any) -> bool:
    """Tell whether the constructor can be called like this."""
    try:
        subject.signature().bind(*values, **options)
    except TypeError:
        return False
    return True


def changed(seen: Signature, which: str, **changes: Any) -> Signature:
    """Return a signature with one parameter changed."""
    return seen.replace(
        parameters=[
            parameter.replace(**changes) if parameter.name == which else parameter
            for parameter in seen.parameters.values()
        ]
    )


def with_another(seen: Signature, name: str, kind: Any, **more: Any) -> Signature:
    """Return a signature with one parameter more, the first of its kind."""
    parameters = [*seen.parameters.values(), Parameter(name, kind, **more)]
    return seen.replace(parameters=sorted(parameters, key=lambda parameter: parameter.kind))


@requirement(claims=["D1-006", "D1-097", "D1-105"])
def every_documented_parameter_is_there(subject: Subject) -> None:
    """In its constructor a loader SHOULD have all seventeen parameters of the documents, by name.

    Code written for the DataLoader passes any of them, and a missing one is a TypeError there; the
    number of workers is num_workers, which D1 §num_worker misspells.
    """
    missing = [name for name in NAMES if name not in named(subject)]
    assert (works(subject), missing) == (True, [])


@every_documented_parameter_is_there.mutant_signature
def calls_them_num_worker(seen: Signature) -> Signature:
    return changed(seen, "num_workers", name="num_worker")


@every_documented_parameter_is_there.mutant_signature
def lacks_in_order(seen: Signature) -> Signature:
    return seen.replace(parameters=[p for p in seen.parameters.values() if p.name != "in_order"])


@requirement(claims=["D1-006", "D2-006", "D1-007"])
def the_dataset_comes_first_and_is_all_that_is_required(subject: Subject) -> None:
    """Of its parameters a loader MUST require the dataset, as the first, and no other.

    The shortest call of all, and the one with `dataset=`, are in every tutorial.
    """
    required = [name for name, p in named(subject).items() if p.default is Parameter.empty]
    calls = [binds(subject), binds(subject, 0), binds(subject, dataset=0)]
    assert (works(subject), required, calls) == (True, ["dataset"], [False, True, True])


@the_dataset_comes_first_and_is_all_that_is_required.mutant_signature
def takes_a_call_without_dataset(seen: Signature) -> Signature:
    return changed(seen, "dataset", default=None)


@the_dataset_comes_first_and_is_all_that_is_required.mutant_signature
def takes_the_dataset_by_position_only(seen: Signature) -> Signature:
    return changed(seen, "dataset", kind=Parameter.POSITIONAL_ONLY)


@the_dataset_comes_first_and_is_all_that_is_required.mutant_signature
def requires_a_further_keyword(seen: Signature) -> Signature:
    return with_another(seen, "name", Parameter.KEYWORD_ONLY)


@requirement(claims=["D1-006"])
def parameters_keep_the_documented_order(subject: Subject) -> None:
    """Those of the documents' parameters that it has a loader MUST list in the documents' order.

    Readers, generated documentation and positional calls go by it.
    """
    listed = [name for name in named(subject) if name in NAMES]
    assert (works(subject), listed) == (True, [name for name in NAMES if name in listed])


@parameters_keep_the_documented_order.mutant_signature
def puts_the_sampler_before_shuffle(seen: Signature) -> Signature:
    first, second, shuffle, sampler, *rest = seen.parameters.values()
    return seen.replace(parameters=[first, second, sampler, shuffle, *rest])


@requirement(claims=["D1-006"])
def positions_mean_what_they_mean_in_the_documents(subject: Subject) -> None:
    """By position a loader MUST take the first thirteen up to the first it lacks, and no more.

    A value that lands on another parameter is not noticed: `Loader(data, 8, True, sampler)` must
    not make the sampler a number of workers. The last four are by keyword, so that more can follow.
    """
    has = named(subject)
    kinds = (Parameter.KEYWORD_ONLY, Parameter.VAR_KEYWORD)
    taken = [p.name for p in subject.signature().parameters.values() if p.kind not in kinds]
    assert (works(subject), taken) == (True, list(takewhile(lambda name: name in has, BY_POSITION)))


@positions_mean_what_they_mean_in_the_documents.mutant_signature
def takes_the_last_four_by_position(seen: Signature) -> Signature:
    kind = Parameter.POSITIONAL_OR_KEYWORD
    parameters = seen.parameters.values()
    return seen.replace(
        parameters=[p.replace(kind=kind) if p.name in NAMES else p for p in parameters]
    )


@positions_mean_what_they_mean_in_the_documents.mutant_signature
def takes_all_but_the_dataset_by_keyword(seen: Signature) -> Signature:
    first, *rest = seen.parameters.values()
    return seen.replace(parameters=[first, *(p.replace(kind=Parameter.KEYWORD_ONLY) for p in rest)])


@positions_mean_what_they_mean_in_the_documents.mutant_signature
def closes_up_where_the_sampler_was(seen: Signature) -> Signature:
    return seen.replace(parameters=[p for p in seen.parameters.values() if p.name != "sampler"])


@requirement(claims=[*DEFAULT_CLAIMS, "D1-011", "D1-016", "D2-008", "D2-010", "D2-014", "D2-019"])
def defaults_are_those_of_the_documents(subject: Subject) -> None:
    """For each of the documents' parameters that it has a loader MUST have their default.

    What is left out of a call is decided by the default, unseen. For shuffle the documents say both
    None and False, which mean the same.
    """
    found = {name: p.default for name, p in named(subject).items() if name in DEFAULTS}
    shuffle = found.pop("shuffle", None)
    assert (works(subject), found) == (True, {name: DEFAULTS[name] for name in found})
    assert shuffle is None or shuffle is False
    subject.observe(f"the default of shuffle is {shuffle}")


@defaults_are_those_of_the_documents.mutant_signature
def makes_batches_of_32(seen: Signature) -> Signature:
    return changed(seen, "batch_size", default=32)


@defaults_are_those_of_the_documents.mutant_signature
def shuffles_unasked(seen: Signature) -> Signature:
    return changed(seen, "shuffle", default=True)


@defaults_are_those_of_the_documents.mutant_signature
def delivers_out_of_order_unasked(seen: Signature) -> Signature:
    return changed(seen, "in_order", default=False)


@requirement(
    claims=["D1-006a", "D1-011", "D1-016", "D1-098", "D2-008", "D2-010", "D2-014", "D2-019"]
)
def a_loader_without_options_goes_by_the_defaults(subject: Subject) -> None:
    """Given no more than a dataset a loader MUST deliver its samples singly and in their order.

    The defaults are what it does, not what its signature says: one sample a batch, no shuffling,
    nothing dropped, everything in the process that asks.
    """
    with Trace() as trace:
        with subject.open(Watched(9, trace)) as loader:
            batches = epoch(loader)
        processes = {event.pid for event in trace.events("fetch")}
    with Trace() as trace:
        trace.record("here", 0)
        here = {event.pid for event in trace.events()}
    assert (batches, processes) == ([[index] for index in range(9)], here)


@a_loader_without_options_goes_by_the_defaults.mutant_loader
def shuffles_unless_told_not_to(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(shuffle=True) if request.shuffle is None else request)


@a_loader_without_options_goes_by_the_defaults.mutant_loader
def makes_batches_of_four_unless_told_otherwise(request: LoaderRequest, honest: Honest) -> Any:
    return honest(request.but(batch_size=4) if request.batch_size == 1 else request)


@requirement(evidence=[TORCH_DATA])
def further_parameters_are_by_keyword_and_optional(subject: Subject) -> None:
    """Parameters of its own a loader MUST take by keyword only, and with a default.

    Otherwise a call that is right for the DataLoader is wrong for it, or means something else.
    """
    own = [p for name, p in named(subject).items() if name not in NAMES]
    kinds = {p.name: p.kind.name for p in own}
    without_default = [p.name for p in own if p.default is Parameter.empty]
    by_keyword = dict.fromkeys(kinds, "KEYWORD_ONLY")
    assert (works(subject), kinds, without_default) == (True, by_keyword, [])


@further_parameters_are_by_keyword_and_optional.mutant_signature
def takes_its_own_by_position(seen: Signature) -> Signature:
    return with_another(seen, "name", Parameter.POSITIONAL_OR_KEYWORD, default="")


@further_parameters_are_by_keyword_and_optional.mutant_signature
def requires_its_own(seen: Signature) -> Signature:
    return with_another(seen, "name", Parameter.KEYWORD_ONLY)


@requirement(claims=["D1-097"])
def unknown_keywords_are_not_swallowed(subject: Subject) -> None:
    """Of keywords a loader's constructor MUST take only those that its signature names.

    Whoever writes `num_worker`, as D1 does, is to learn of it at once, not from how slowly it
    loads. A wrapper that passes everything on can show what it takes by `functools.wraps`.
    """
    calls = [binds(subject, 0), binds(subject, 0, num_worker=2), binds(subject, 0, no_such=None)]
    assert (works(subject), calls) == (True, [True, False, False])


@unknown_keywords_are_not_swallowed.mutant_signature
def takes_any_keyword(seen: Signature) -> Signature:
    return with_another(seen, "options", Parameter.VAR_KEYWORD)


@unknown_keywords_are_not_swallowed.mutant_signature
def spells_num_worker_as_d1_does(seen: Signature) -> Signature:
    return changed(seen, "num_workers", name="num_worker")
