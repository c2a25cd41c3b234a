"""Turns of timing: everybody has as many, one after another."""

from distill.cost.latency import medians, sgemm


def test_ways_take_turns(monkeypatch: object) -> None:
    calls: list[str] = []
    found = medians({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=3)
    assert found.keys() == {"a", "b"} and all(seconds > 0 for seconds in found.values())
    turns = [name for place, name in enumerate(calls) if place == 0 or calls[place - 1] != name]
    assert turns == ["a", "b"] * 4  # once to know how long they take, then in turns


def test_the_product_is_counted_as_it_is() -> None:
    multiply, operations = sgemm()
    product = multiply()
    assert product.shape == (768, 768) and float(product[0, 0]) == 768  # type: ignore[attr-defined]
    assert operations == 2 * 768**3
