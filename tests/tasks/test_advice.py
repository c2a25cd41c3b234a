"""Advice names keys that the source has, and no others."""

from pathlib import Path

from distill.data.sources.celeba import CelebA
from distill.data.sources.class_folders import ClassFolders
from distill.data.sources.hub import Hub
from distill.data.sources.people import People
from distill.data.sources.source import Source
from distill.data.sources.stanford_dogs import StanfordDogs
from distill.data.sources.table import Table
from distill.tasks.advice import choosing_classes, having_validation


def test_keys_are_those_of_the_source() -> None:
    sources: list[Source] = [CelebA(), ClassFolders(), Hub(), People(root=Path()), StanfordDogs(), Table()]
    said = {
        source.name: {key for key in ("attributes", "validation") if f"data.{key}" in text}
        for source in sources
        for text in [choosing_classes(source) + having_validation(source)]
    }
    assert said == {
        "celeba": {"attributes"},
        "class_folders": {"validation"},
        "hub": {"attributes", "validation"},
        "people": {"validation"},
        "stanford_dogs": {"validation"},
        "table": {"attributes", "validation"},
    }
