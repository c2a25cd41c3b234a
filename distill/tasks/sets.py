"""The pictures of a run, by what they are used for."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console

from distill.data.faces.aligned import alignment_of
from distill.data.prepared.boxes import check_boxes, rows_left_out
from distill.data.prepared.contradictions import check_contradictions, contradictions
from distill.data.prepared.frame import Frame
from distill.data.prepared.kept import duplicate_of
from distill.data.prepared.pictures import Pictures
from distill.data.prepared.prepare import prepare
from distill.data.prepared.prepared import Prepared
from distill.data.sources.measured import Measured
from distill.data.sources.source import SPLITS, Remarked, Source, Targeted
from distill.data.targets import PICTURE_SIZE
from distill.data.views.loader import check_mixing
from distill.errors import DistillError, few, in_section
from distill.files.run_directory import key_of
from distill.recipe.recipe import Recipe, StageName

console = Console(stderr=True, markup=False, emoji=False)


@dataclass(frozen=True)
class Sets:
    """One labelled set's splits, and what stands beside it.

    Attributes:
        labelled: the training pictures.
        for_teaching: what a teacher is taught on: those, and with `teach.web` the ones of the web.
        transfer: pictures to transfer on: the training pictures, all unlabelled ones, and those of the web without
            their labels.
        web: pictures of the web labelled with one of the data's classes, without any that the labelled set holds; None
            where there is no such set.
    """

    prepared: Prepared
    labelled: Pictures
    for_teaching: Pictures
    transfer: Pictures
    validation: Pictures
    test: Pictures
    web: Pictures | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        return self.prepared.classes

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the prepared pictures in pixels."""
        return self.labelled.size

    def of_stage(self, name: StageName) -> tuple[Pictures, str]:
        """What a stage trains on, and the section of a recipe it comes from."""
        if name == "transfer":
            return self.transfer, "data"
        if name == "pretrain" and self.web is not None:
            return self.web, "web"
        if name == "teach":
            return self.for_teaching, "data"
        return self.labelled, "data"

    def transfer_on(self, most: int | None) -> Pictures:
        """The pictures to transfer on, with so many of the unlabelled ones.

        Args:
            most: of the smallest content hashes, whatever their order; None for all.

        Raises:
            DistillError: there are not as many.
        """
        if most is None:
            return self.transfer
        counts = [len(rows) for rows in self.transfer.rows]
        last = len(counts) - (self.web is not None)
        there = sum(counts[1:last])  # of the one set between the labelled and that of the web
        if most > there:
            raise DistillError(
                f"transfer.unlabelled is {most}, and unlabelled has {there} pictures that data has not. Give more of "
                "them, or a smaller number."
            )
        unlabelled = slice(counts[0], counts[0] + there)
        kept = np.ones(len(self.transfer), bool)
        kept[unlabelled] = np.argsort(np.argsort(self.transfer.hashes[unlabelled], kind="stable")) < most
        return self.transfer.where(kept)

    def describe(self, name: str) -> dict[str, object]:
        """The `data` entry of results.json."""
        counts: dict[str, int] = {split: len(self.prepared.indices(split)) for split in SPLITS}
        if self.web is not None:
            counts["web"] = len(self.web)
        ledger = self.prepared.ledger
        duplicates = sum(duplicate_of(reason) is not None for _, reason in ledger)
        contradicting = len(contradictions(self.prepared))
        of_targets = len(rows_left_out(self.prepared))
        boxes = any(column.place == "boxes" for column in self.prepared.columns)
        return {
            "name": name,
            "fingerprint": self.prepared.fingerprint,
            "counts": counts | {"transfer": len(self.transfer)},
            "left_out": len(ledger) - duplicates - contradicting - of_targets,
            "duplicates": duplicates,
            **({"contradictions": contradicting} if contradicting else {}),
            **({"boxes_left_out" if boxes else "targets_left_out": of_targets} if of_targets else {}),
            "classes": list(self.classes),
        }


def open_sets(recipe: Recipe, directory: Path) -> Sets:
    """Prepare whatever is not prepared yet.

    Raises:
        DistillError: a source is unusable, a stage would mix what cannot be mixed, or wants more pictures than there
            are.
    """
    with in_section("data", vars(recipe.data)):
        names = recipe.data.classes()
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise DistillError(f"data.attributes: {few(repeated)} more than once; name each attribute once.")
    labelled = prepared_set("data", recipe.data, recipe, directory)
    measured = PICTURE_SIZE in labelled.columns
    more, web = (
        () if source is None else (prepared_set(section, source, recipe, directory, measured),)
        for section, source in (("unlabelled", recipe.unlabelled), ("web", recipe.web))
    )
    train, transfer = Pictures.of(labelled, "train"), Pictures.of(labelled, "train", (*more, *web))
    both = Pictures.of(labelled, "train", web)
    both = both.where((both.labels >= 0).any(axis=1) | (np.arange(len(both)) < len(train)))
    sets = Sets(
        prepared=labelled,
        labelled=train,
        for_teaching=both if recipe.teach.web else train,
        transfer=replace(transfer, hidden=frozenset({len(transfer.sets) - 1}) if web else frozenset()),
        validation=Pictures.of(labelled, "validation"),
        test=Pictures.of(labelled, "test"),
        web=both.where(np.arange(len(both)) >= len(train)) if web else None,
    )
    for name in recipe.stages:  # before the first of them has taken its time
        check_mixing(getattr(recipe, name).views, sets.of_stage(name)[0].columns, f"{name}.views")
    if "transfer" in recipe.stages:
        sets.transfer_on(recipe.transfer.unlabelled)
    return sets


def prepared_set(section: str, source: Source, recipe: Recipe, directory: Path, measured: bool = False) -> Prepared:
    """One section's source, prepared under a name of its own.

    Args:
        measured: whether the size of the pictures it was made of is wanted of each, for those of the data have it.
    """
    size = recipe.prepare
    otherwise = section == "unlabelled" and size.unlabelled_align is not None
    how = size.unlabelled_align if otherwise else size.align
    measured &= not (isinstance(source, Targeted) and source.columns())
    # Sets of before there was a choice keep their places.
    further = (() if size.fit == "crop" else (size.fit,)) + (("measured",) if measured else ())
    place = (size.root or directory) / f"{source.name}-{key_of(source, size.height, size.width, how, *further)}"
    with in_section(section, vars(source)):
        for remark in source.remarks() if isinstance(source, Remarked) else ():
            console.print(f"{section}: {remark}", soft_wrap=True)
        shape = size.height, size.width
        align = None if how is None else alignment_of(how, source, place, shape, section)
        prepared = prepare(
            Measured(source) if measured else source,
            place,
            Frame(*shape, size.fit, align),
            max_bad_share=size.max_bad_share,
            max_raw_bytes=size.max_raw_bytes,
        )
    # Of the web labels are often wrong: what it says of a photograph twice is only not believed.
    check_contradictions(prepared, None if section == "web" else size.max_bad_share, section)
    check_boxes(prepared, size.max_bad_share, section)
    return prepared
