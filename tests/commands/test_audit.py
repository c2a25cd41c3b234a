"""`distill audit` prints every cell and ends with status 1 where one is unexplained."""

import json
from pathlib import Path

import pytest

from distill import cli
from distill.audit.printed import PAPER_TABLES, read_tables


def test_every_cell_is_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["audit", "--json", str(tmp_path / "audit.json")]) == 0
    shown = capsys.readouterr().out
    cells = [cell for table in read_tables() for cell in table.cells]
    assert f"{len(cells)} cells: " in shown and "0 disagrees, unexplained" in " ".join(shown.split())
    assert max(map(len, shown.splitlines())) <= max(80, len(str(tmp_path)) + 30)
    written = json.loads((tmp_path / "audit.json").read_text(encoding="utf-8"))
    assert sum(written["states"].values()) == len(written["cells"]) == len(cells)
    (found,) = [cell for cell in written["cells"] if cell["table"] == "Table 9" and cell["printed"] == "1.32"]
    assert found["computed"] == "1.332" and found["state"] == "erratum" and "normalisation" in found["reason"]


def test_a_planted_value_ends_with_status_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content = PAPER_TABLES.read_text(encoding="utf-8")
    planted = content.replace('"printed": "307"', '"printed": "370"')
    assert planted != content
    (tmp_path / "tables.json").write_text(planted, encoding="utf-8")
    monkeypatch.setattr("distill.commands.audit.read_tables", lambda: read_tables(tmp_path / "tables.json"))
    assert cli.main(["audit"]) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert "1 disagrees, unexplained" in shown and "shallow MobileNet mult-adds 370 307.3 disagrees" in shown
