"""Photographs that a set labels in two ways: no order of files says which is right, so neither is used."""

from rich.console import Console

from distill.data.prepared.kept import contradicts
from distill.data.prepared.prepared import LEDGER, Prepared
from distill.errors import DistillError

SHOWN = 4

console = Console(stderr=True, markup=False, emoji=False)


def contradictions(prepared: Prepared) -> list[tuple[str, str]]:
    """The files whose photograph is labelled in another way too, each with what is said of it."""
    return [(name, reason) for name, reason in prepared.ledger if contradicts(reason)]


def check_contradictions(prepared: Prepared, max_share: float | None, key: str) -> None:
    """Say how many there are and name the first, each with the other file.

    Args:
        max_share: of all files that were listed, past which the set is refused; None of labels that are known to be
            wrong often.
        key: what names the set, for the message.

    Raises:
        DistillError: there are more.
    """
    files = contradictions(prepared)
    if not files:
        return
    text = f"{len(files)} of {prepared.listed} files show photographs that are labelled in two ways"
    named = "".join(f"\n  {name}: {reason}" for name, reason in files[:SHOWN]) + ("\n  ..." * (len(files) > SHOWN))
    place = f"\nAll are in {prepared.directory / LEDGER}."
    if max_share is not None and len(files) > max_share * prepared.listed:
        raise DistillError(
            f"{key}: {text}, more than max_bad_share = {max_share:.2%}:{named}{place} Keep the one that is right of "
            "each two, or raise prepare.max_bad_share to go on without both."
        )
    console.print(f"{key}: {text}; none of them is learnt from or scored:{named}{place}", soft_wrap=True)
