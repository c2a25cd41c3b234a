"""The browser's runtime is fetched once, is the one expected, and without a network the error says what to do."""

import io
import tarfile
from pathlib import Path

import pytest

from distill.errors import DistillError
from distill.export.web import onnxruntime_web
from distill.export.web.onnxruntime_web import (
    FILES,
    INTEGRITY,
    PACKAGE,
    VERSION,
    cached_package,
    package_url,
    write_runtime,
)
from tests.helpers.browser import served


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A package as npm packs it, with a file that would leave its place, and its checksum in place of the real one."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name in ("../../escaped", *(f"package/dist/{name}" for name in FILES)):
            member = tarfile.TarInfo(name)
            member.size = len(name)
            archive.addfile(member, io.BytesIO(name.encode()))
    content = buffer.getvalue()
    monkeypatch.setattr(onnxruntime_web, "INTEGRITY", onnxruntime_web._integrity(content))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return content


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    """What a registry serves: the place of the package in it."""
    place = tmp_path / "registry" / "onnxruntime-web" / "-"
    place.mkdir(parents=True)
    return place / PACKAGE


def test_fetched_from_npms_registry_once(
    package: bytes, registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.write_bytes(package)
    with served(tmp_path / "registry") as address:
        monkeypatch.setenv("npm_config_registry", f"{address}/")
        write_runtime(tmp_path / "first")
    write_runtime(tmp_path / "second")  # the server is gone
    for place in ("first", "second"):
        assert {one.name: one.read_text() for one in (tmp_path / place).iterdir()} == {
            name: f"package/dist/{name}" for name in FILES
        }
    assert not list(tmp_path.rglob("escaped"))


@pytest.mark.parametrize("address", ["https://npm.example.org", "https://npm.example.org/"])
def test_the_address_is_that_of_the_registry_with_one_slash(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("npm_config_registry", address)
    assert package_url() == f"https://npm.example.org/onnxruntime-web/-/{PACKAGE}"


def test_a_registry_is_on_the_web(
    package: bytes, registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.write_bytes(package)
    monkeypatch.setenv("npm_config_registry", (tmp_path / "registry").as_uri())
    with pytest.raises(DistillError, match=r"file:.*: cannot be fetched \(not an address of the web\)"):
        write_runtime(tmp_path / "web")


def test_another_file_is_refused_and_not_kept(
    package: bytes, registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.write_bytes(package[:-1])
    with served(tmp_path / "registry") as address:
        monkeypatch.setenv("npm_config_registry", address)
        with pytest.raises(DistillError, match=r"gave another file than onnxruntime-web"):
            write_runtime(tmp_path / "web")
    assert not cached_package().exists() and not (tmp_path / "web").exists()


def test_a_kept_package_that_was_damaged_is_named(package: bytes, tmp_path: Path) -> None:
    cached_package().parent.mkdir(parents=True)
    cached_package().write_bytes(package + b"x")
    with pytest.raises(DistillError, match=rf"{PACKAGE}: is not onnxruntime-web .* whole"):
        write_runtime(tmp_path / "web")


@pytest.mark.parametrize("registry_address", ["http://127.0.0.1:9", "file:///tmp", "nonsense"])
def test_without_a_network_the_error_says_what_to_fetch_and_where_to_put_it(
    registry_address: str, package: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_registry", registry_address)
    with pytest.raises(DistillError) as error:
        write_runtime(tmp_path / "web")
    for part in (
        "cannot be fetched",
        f"onnxruntime-web-{VERSION}.tgz",
        str(cached_package()),
        "export.onnxruntime_web",
    ):
        assert part in str(error.value)


def test_a_package_of_ones_own(package: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9")
    (tmp_path / "own.tgz").write_bytes(package)
    write_runtime(tmp_path / "web", tmp_path / "own.tgz")
    assert (tmp_path / "web" / FILES[0]).exists()
    with pytest.raises(DistillError, match=r"missing\.tgz: cannot be read"):
        write_runtime(tmp_path / "web", tmp_path / "missing.tgz")


def test_the_checksum_is_a_whole_sha512() -> None:
    assert INTEGRITY.startswith("sha512-") and len(INTEGRITY) == len("sha512-") + 88


def test_a_checksum_is_written_as_npm_does() -> None:
    """Of nothing at all, as FIPS 180-4 has it, in base64."""
    empty = "z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="
    assert onnxruntime_web._integrity(b"") == f"sha512-{empty}"
