"""The hashed requirements of a release, and the files that install them."""

import re
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.served_data import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = ("postgres", "s3", "sso", "metrics")
IMAGING_EXTRAS = (*EXTRAS, "dicom", "ocr")
FILES = {"requirements.txt": EXTRAS, "requirements-imaging.txt": IMAGING_EXTRAS}


def read_pins(name: str) -> dict[str, list[Requirement]]:
    """Return the pinned requirements by package; every one must have at least one hash."""
    pins: dict[str, list[Requirement]] = {}
    text = (ROOT / ".ci" / name).read_text().replace("\\\n", " ")
    for line in text.splitlines():
        specification, *hashes = line.split("--hash=")
        assert hashes and all(re.fullmatch(r"sha256:[0-9a-f]{64}\s*", value) for value in hashes), line
        requirement = Requirement(specification)
        pins.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return pins


def test_every_dependency_is_pinned_to_a_version_that_pyproject_allows() -> None:
    wrong = []
    for file, extras in FILES.items():
        pins = read_pins(file)
        wanted = PROJECT["dependencies"] + [
            line for extra in extras for line in PROJECT["optional-dependencies"][extra]
        ]
        for requirement in map(Requirement, wanted):
            found = pins.get(canonicalize_name(requirement.name), [])
            versions = [str(specifier.version) for pin in found for specifier in pin.specifier]
            if not versions or not all(requirement.specifier.contains(version) for version in versions):
                wrong.append(f"{file}: {requirement} is {versions}")

    assert wrong == [], "run .ci/lock"


def test_both_files_have_the_same_versions_and_no_address() -> None:
    small, large = (read_pins(file) for file in FILES)

    assert {name: pins for name, pins in large.items() if name in small} == small
    assert not any("//" in (ROOT / ".ci" / file).read_text() for file in FILES)


def test_the_container_includes_all_runtime_files_and_the_project_version() -> None:
    folder = ROOT / "docs" / "examples" / "container"
    containerfile = (folder / "Containerfile").read_text()
    copied = set(re.findall(r"^COPY (?:LICENSE )?(\S+)", containerfile, re.MULTILINE))
    versions = set(re.findall(r"image: localhost/\S+:(\S+)", (folder / "compose.yaml").read_text()))

    assert {"content", "static", "templates", "portal", "procedures", "manage.py"} <= copied
    assert versions == {PROJECT["version"]}
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", containerfile, re.MULTILINE):
        assert all((ROOT / name).exists() for name in source.split()), source
