"""Every name that comes along stands for something of its kind."""

from abc import ABC

import pytest

from distill.answers.kind import Kind
from distill.objectives import Objective
from distill.registries import ANSWERS, OBJECTIVES, SOURCES, STUDENTS, TASKS, TEACHERS
from distill.registry import Registry
from distill.tasks.task import Task
from students.student import Student
from teachers.teacher import TeacherConfig


@pytest.mark.parametrize(
    ("registry", "kind"),
    [(ANSWERS, Kind), (OBJECTIVES, Objective), (STUDENTS, Student), (TASKS, Task), (TEACHERS, TeacherConfig)],
)
def test_each_is_of_its_kind(registry: Registry, kind: type[ABC]) -> None:
    assert registry.names()
    for name in registry.names():
        assert issubclass(registry.get(name), kind)


def test_sources_say_their_name() -> None:
    assert {name: SOURCES.get(name).name for name in SOURCES.names()} == {name: name for name in SOURCES.names()}


def test_kinds_of_answers_and_objectives_have_their_own_name() -> None:
    for registry in (ANSWERS, OBJECTIVES):
        assert [registry.get(name).name for name in registry.names()] == registry.names()


def test_groups_are_what_packages_are_told() -> None:
    groups = [registry.group for registry in (ANSWERS, OBJECTIVES, SOURCES, STUDENTS, TASKS, TEACHERS)]
    kinds = ("answers", "objectives", "sources", "students", "tasks", "teachers")
    assert groups == [f"distill.{kind}" for kind in kinds]
