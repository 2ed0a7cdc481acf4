"""Column types: exact decimals, hundredths of any size, aware moments, JSON that keeps decimals, encrypted JSON."""

import datetime as dt
import json
from decimal import Decimal
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import BigInteger, DateTime, Integer, String, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from app.domain.problems import CrossfootError

_keys: dict[str, MultiFernet] = {}
_DECODER = json.JSONDecoder(parse_float=Decimal)  # json.loads would make one for every value


class EncryptionKeyError(CrossfootError):
    """Stored secrets cannot be read with the encryption keys at hand."""


def set_encryption_keys(keys: tuple[str, ...]) -> None:
    """The first key encrypts, all of them decrypt."""
    _keys["current"] = MultiFernet([Fernet(key) for key in keys])


def utcnow() -> dt.datetime:
    """This moment, aware, UTC."""
    return dt.datetime.now(dt.UTC)


def new_list() -> list[Any]:
    """An empty list, as a column's default.

    Pydantic asks a factory for its signature whenever a row is made. That of ``list`` itself it parses from text, which
    takes ten times as long as making the row.
    """
    return []


def new_dict() -> dict[str, Any]:
    """An empty object of JSON, as a column's default: ``new_list``."""
    return {}


def dumps(value: Any) -> str:
    """JSON text; Decimals become exact strings, dates and moments ISO 8601."""
    return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"))


def loads(text: str) -> Any:
    """JSON with every fraction as Decimal."""
    return _DECODER.decode(text)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    return value


class DecimalText(TypeDecorator[Decimal]):
    """A Decimal as text: SQLite would make it a float and lose digits."""

    impl = String(40)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        return None if value is None else f"{value:f}"

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)


class Label(TypeDecorator[str]):
    """What a vendor calls something, to be shown: cut with a visible … where it is longer than its column.

    PostgreSQL refuses longer text, and a list of thousands must not fail for one name. Never for ids: those must be
    whole. What is compared with the column stays as it is.
    """

    impl = String
    cache_ok = True

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return f"{value[: self.length - 1].rstrip()}…" if value and len(value) > self.length else value

    def coerce_compared_value(self, op: Any, value: Any) -> TypeEngine[str]:
        return String()


class Cents(TypeDecorator[int]):
    """An amount in hundredths. 32 bits end at 21,474,836.47; SQLite's INTEGER has 64 already.

    PostgreSQL sums big integers to a numeric, so what comes back is made an int again.
    """

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[int]:
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else BigInteger())

    def process_result_value(self, value: Any, dialect: Dialect) -> int | None:
        return None if value is None else int(value)


class Moment(TypeDecorator[dt.datetime]):
    """An aware moment, stored as UTC. A naive one is refused: nobody knows what it means."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone.")
        return value.astimezone(dt.UTC)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None or value.tzinfo is not None:
            return None if value is None else value.astimezone(dt.UTC)
        return value.replace(tzinfo=dt.UTC)


class Json(TypeDecorator[Any]):
    """JSON as text; Decimals inside become exact strings."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else dumps(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else loads(value)


class EncryptedJson(TypeDecorator[Any]):
    """JSON that only the holder of the key file can read."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else _keys["current"].encrypt(dumps(value).encode()).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        try:
            return loads(_keys["current"].decrypt(value.encode()).decode())
        except InvalidToken as error:
            raise EncryptionKeyError(
                "A stored secret cannot be read with this encryption key.",
                "Put the key file of this database back, or name it in CROSSFOOT_ENCRYPTION_KEYS.",
            ) from error
