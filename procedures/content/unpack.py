"""Opens a bundle that somebody sent. Nothing in it is believed: names, sizes and contents are checked first."""

import hashlib
import json
import re
import stat
import zipfile
import zlib
from pathlib import Path
from typing import Any

from procedures.content.bundle import FORMAT, MANIFEST, VERSION

SLUG = r"[a-z0-9]+(?:-[a-z0-9]+)*"
NAMES = re.compile(
    rf"(?:(?:pages|guides)/[a-z]{{2}}/{SLUG}\.md|figures/{SLUG}\.(?:yaml|png|svg)|series/[a-z]{{2}}/{SLUG}\.yaml|"
    r"(?:sources|warning_signs)\.yaml)\Z"
)
MEGABYTE = 1024 * 1024
MAX_FILES, MAX_BYTES, MAX_OF_ONE = 3000, 400 * MEGABYTE, 64 * MEGABYTE
MAX_OF_MANIFEST = 2 * MEGABYTE


class BadBundleError(ValueError):
    """The file cannot be used. The message is a sentence for who brought it."""


def unpack(file: Any, folder: Path) -> list[str]:
    """Write the bundle's files below ``folder`` and return their names. ``file``: a path or an open binary file.

    Raises BadBundleError; what was written by then lies in ``folder``, which is the caller's to throw away.
    """
    try:
        with zipfile.ZipFile(file) as bundle:
            return _unpack(bundle, folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, UnicodeError) as error:
        raise BadBundleError("This is not a whole bundle. Export it again from the other portal.") from error


def _unpack(bundle: zipfile.ZipFile, folder: Path) -> list[str]:
    members = _members(bundle)
    if MANIFEST not in members:
        raise BadBundleError("This zip is not a bundle of pages: it has no manifest.json.")
    listed = _manifest(_read(bundle, members.pop(MANIFEST), MAX_OF_MANIFEST))
    if listed.keys() != members.keys():
        odd = sorted(listed.keys() ^ members.keys())[0]
        raise BadBundleError(f"The bundle and its list of files do not agree about {odd[:80]}.")
    left = MAX_BYTES
    for name, member in members.items():
        data = _read(bundle, member, min(left, MAX_OF_ONE))
        left -= len(data)
        if hashlib.sha256(data).hexdigest() != listed[name]:
            raise BadBundleError(f"{name} was changed on its way. Export the bundle again.")
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return sorted(members)


def _members(bundle: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The files by name. Names are compared with what a bundle can hold, so none can lead out of the folder."""
    found: dict[str, zipfile.ZipInfo] = {}
    infos = bundle.infolist()
    if len(infos) > MAX_FILES:
        raise BadBundleError(f"The bundle holds more than {MAX_FILES} files.")
    for info in infos:
        name = info.filename
        if not (name == MANIFEST or NAMES.match(name)):
            raise BadBundleError(f"The bundle holds a file that does not belong in one: {name[:80]!r}.")
        if name in found:
            raise BadBundleError(f"{name} stands in the bundle twice.")
        mode = info.external_attr >> 16
        if stat.S_ISLNK(mode) or info.flag_bits & 1:
            raise BadBundleError(f"{name} is a link or is encrypted. A bundle holds plain files only.")
        found[name] = info
    if sum(info.file_size for info in infos) > MAX_BYTES:
        raise BadBundleError(f"The bundle is larger than {MAX_BYTES // MEGABYTE} MB when it is unpacked.")
    return found


def _read(bundle: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes:
    """At most ``most`` bytes, whatever the zip says of itself."""
    with bundle.open(member) as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise BadBundleError(f"{member.filename} is too large.")
    return data


def _manifest(data: bytes) -> dict[str, str]:
    """sha256 by name."""
    try:
        manifest = json.loads(data)
        if manifest["format"] != FORMAT:
            raise BadBundleError("This zip is not a bundle of pages.")
        if manifest["version"] != VERSION:
            raise BadBundleError("This bundle was made by another version of the portal. Bring both to the same one.")
        return {str(row["name"]): str(row["sha256"]) for row in manifest["files"]}
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        if isinstance(error, BadBundleError):
            raise
        raise BadBundleError("The bundle's manifest.json cannot be read.") from error
