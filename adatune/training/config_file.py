"""A run's settings as a TOML file that people can read, change and give to `adatune train --config`."""

import difflib
import inspect
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

from adatune.errors import RunError, UsageError
from adatune.home import write_text
from adatune.training.config import TrainConfig

_HEADER = "# A run of adatune. 'adatune train --config THIS_FILE' starts the same run again.\n"
_FIELD_LINE = re.compile(r"    (\w+): [^#]+(?:# (.*))?")
_SECTION_LINE = re.compile(r"    # (.*)")


def to_toml(config: TrainConfig) -> str:
    """CONFIG as TOML, each value with the comment of its field; a value of None is a key left out.

    Raises:
        UsageError: a path is not valid Unicode, which TOML cannot hold.
    """
    lines, comments = [_HEADER], _comments()
    for field in fields(config):
        section, comment = comments.get(field.name, ("", ""))
        if section:
            lines.append(f"\n# {section}\n")
        value = getattr(config, field.name)
        if value is None:
            lines.append(f"# {field.name} is not set{f': {comment}' if comment else ''}\n")
        else:
            lines.append(
                f"{field.name} = {_format(field.name, value)}{f'  # {comment}' if comment else ''}\n"
            )
    return "".join(lines)


def _comments() -> dict[str, tuple[str, str]]:
    """By field name: the heading above it, if any, and what its own line says."""
    try:
        source = inspect.getsource(TrainConfig).splitlines()
    except OSError:  # installed as byte code only
        return {}
    found: dict[str, tuple[str, str]] = {}
    section = ""
    for line in source:
        heading, field = _SECTION_LINE.fullmatch(line), _FIELD_LINE.fullmatch(line)
        if heading:
            section = heading[1]
        elif field:
            found[field[1]] = (section, field[2] or "")
            section = ""
    return found


def _format(name: str, value: bool | float | str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return repr(value)
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"{name} = {value!r} is not valid Unicode. Rename that file or folder.") from error
    return json.dumps(value, ensure_ascii=False).replace(
        "\x7f", "\\u007f"
    )  # JSON leaves DEL, TOML forbids it


def write_config(path: Path, config: TrainConfig) -> None:
    """Write CONFIG to PATH atomically."""
    write_text(path, to_toml(config))


def read_config(path: Path) -> TrainConfig:
    """The complete settings in PATH, as `write_config` wrote them.

    Raises:
        RunError: the file is missing.
        UsageError: it is damaged, has an unknown key or a value of the wrong type.
    """
    values = read_values(path)
    if "data" not in values:
        raise UsageError(f"{path} does not say what was trained on (key 'data'). Restore it from a copy.")
    return TrainConfig(**(_left_out() | values))


def read_values(path: Path) -> dict[str, Any]:
    """The settings that PATH gives, by field name; when it is complete, those left out are None.

    Raises: as `read_config`.
    """
    try:
        content = tomllib.loads(path.read_bytes().decode())
    except FileNotFoundError as error:
        raise RunError(f"There is no {path}. Name a config.toml, or the folder of a run.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path} is not TOML: {error}. Correct it or start from another run's config.toml."
        ) from error
    check_values(content, str(path))
    is_complete = all(name in content or _is_optional(name) for name in _types())
    return _left_out() | content if is_complete else content


def to_values(config: TrainConfig) -> dict[str, Any]:
    """The settings of CONFIG by field name."""
    return {field.name: getattr(config, field.name) for field in fields(config)}


def merge(values: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """VALUES of a file, overridden by the OPTIONS that were typed, without what those make meaningless."""
    merged = {**values, **options}
    if any(name in options for name in _SCHEDULES):
        merged |= {name: options.get(name) for name in _SCHEDULES}
    if options.get("batch", values.get("batch")) != values.get("batch"):
        merged.pop("micro_batch", None)  # chosen for the other batch
    return merged


def check_values(values: Mapping[str, Any], where: str) -> None:
    """Refuse names that are no settings, and values of another type.

    Raises:
        UsageError: names the key, and the one that may have been meant.
    """
    for name, value in values.items():
        if name not in _types():
            near = difflib.get_close_matches(name, _types(), n=1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            raise UsageError(f"{where} has the key {name!r}, which is no setting of a run.{meant}")
        if not _fits(value, name):
            kinds = " or ".join(_WORDS[kind] for kind in _kinds(name) if kind is not NoneType)
            raise UsageError(f"{where}: {name} = {value!r} is wrong; it must be {kinds}.")


_SCHEDULES = ("snap_ticks", "snap_kimg", "snap_minutes")  # one of the three
_WORDS = {int: "a whole number", float: "a number", str: "text in quotes", bool: "true or false"}


def _left_out() -> dict[str, Any]:
    """What a complete file means by the keys that it does not have."""
    return {name: None for name in _types() if _is_optional(name)}


def _types() -> dict[str, Any]:
    return get_type_hints(TrainConfig)


def _kinds(name: str) -> tuple[type, ...]:
    return get_args(_types()[name]) or (_types()[name],)


def _is_optional(name: str) -> bool:
    return NoneType in _kinds(name)


def _fits(value: object, name: str) -> bool:
    kinds = _kinds(name)
    if isinstance(value, bool):  # Python counts it among the whole numbers
        return bool in kinds
    return isinstance(value, kinds) or (isinstance(value, int) and float in kinds)
