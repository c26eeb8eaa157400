"""Base classes of recipe tables, and the registries that plug-ins extend."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Generic, Literal, TypeVar, Union, cast, get_type_hints

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    create_model,
)
from pydantic_core import PydanticCustomError

from crispen import plugins
from crispen.errors import UsageError, nearest_names


class Table(BaseModel):
    """A frozen table of a recipe; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


T = TypeVar("T", bound=Table)

# Tag of plug-in tables in pydantic's error paths.
PLUGIN = "plug-in"


class Kinds(Mapping[str, type[T]], Generic[T]):
    """A registry of tables by kind: built-in ones, then those of installed plug-ins.

    Classes in files (``path/to/file.py:Name``) can be looked up, but are not listed.

    Args:
        group: Entry point group of the plug-ins.
        own: The built-in tables, each with a default for ``kind``.
        base: Their common base class.
        what: Name of such a table in messages, such as ``network``.
        adapt: Makes a table from other classes that a plug-in may define, such as a network;
            returns None for anything else.
        usual: Default kind of a table without ``kind``.
    """

    def __init__(
        self,
        group: plugins.Group,
        own: Sequence[type[T]],
        base: type[T],
        what: str,
        adapt: Callable[[Any], type[T] | None] = lambda _: None,
        usual: str = "",
    ) -> None:
        self.own = {str(table.model_fields["kind"].default): table for table in own}
        self._group, self._base, self._what = group, base, what
        self._adapt, self._usual = adapt, usual
        self._made: dict[str, tuple[Any, type[T]]] = {}

    def __iter__(self) -> Iterator[str]:
        yield from self.own
        yield from (name for name in plugins.installed(self._group) if name not in self.own)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, kind: object) -> bool:
        return kind in self.own or kind in plugins.installed(self._group)

    def __getitem__(self, kind: str) -> type[T]:
        """The table of a kind, or of a class in a file.

        Raises:
            KeyError: The kind does not exist; see `named` for a message.
            UsageError: A plug-in cannot be imported or used.
        """
        if kind in self.own:
            return self.own[kind]
        found = plugins.find(self._group, kind)
        if found is None:
            raise KeyError(kind)
        if kind not in self._made or self._made[kind][0] is not found:
            self._made[kind] = found, self._plugged(found, kind)
        return self._made[kind][1]

    def named(self, kind: str) -> type[T]:
        """The table of a kind that the user named.

        Raises:
            UsageError: The kind does not exist; the error lists similar names.
        """
        try:
            return self[kind]
        except KeyError:
            hint = nearest_names(kind, self) or f"; those are {', '.join(self)}"
            raise UsageError(f"no {self._what} is called '{kind}'{hint}") from None

    def _plugged(self, found: Any, kind: str) -> type[T]:
        table: type[T] | None = None
        if isinstance(found, type):
            table = found if issubclass(found, self._base) else self._adapt(found)
        if table is None:
            raise UsageError(
                f"plug-in {kind}: is not a class that makes a {self._what}; docs/plugins.md says "
                "what to derive it from"
            )
        # Its kind is the name in the recipe, so that a written recipe can be read again.
        return create_model(
            table.__name__,
            __base__=table,
            __module__=table.__module__,
            __doc__=table.__doc__,
            kind=(cast(Any, Literal[kind]), kind),
        )

    def annotation(self) -> Any:
        """The type of a recipe's field: the union of these tables, tagged by ``kind``."""
        own = [Annotated[table, Tag(kind)] for kind, table in self.own.items()]
        plugged = Annotated[Any, PlainValidator(self._read), Tag(PLUGIN)]
        return Annotated[Union[(*own, plugged)], Discriminator(self._tag)]

    def _tag(self, value: Any) -> str:
        kind = (
            value.get("kind", self._usual)
            if isinstance(value, dict)
            else getattr(value, "kind", None)
        )
        # `_read` reports a kind that is not a string.
        return kind if isinstance(kind, str) and kind in self.own else PLUGIN

    def _read(self, value: Any) -> T:
        if isinstance(value, self._base):
            return value
        kind = value.get("kind") if isinstance(value, dict) else None
        if not isinstance(kind, str):
            missing = "is missing" if kind is None else f"is {kind!r}, not a name"
            text = f"kind {missing}; those are {', '.join(self)}"
            raise PydanticCustomError("union_tag_not_found", "{text}", {"text": text})
        try:
            table = self.named(kind)
        except UsageError as error:
            raise PydanticCustomError(
                "union_tag_invalid", "{text}", {"text": str(error)}
            ) from error
        return table.model_validate(value)


def table_of(made: type, base: type[T], given: Sequence[str] = ()) -> type[T]:
    """A table class whose fields are the arguments of a class.

    Args:
        made: The class; all arguments need type annotations; those without a default are required.
        base: Base class of the table.
        given: Names of arguments that do not come from the recipe.

    Raises:
        UsageError: An argument has no type, or a name that is reserved in the table.
    """
    hints = get_type_hints(made.__init__)  # type: ignore[misc]
    fields: dict[str, Any] = {}
    for name, argument in inspect.signature(made).parameters.items():
        if name in given:
            continue
        named = argument.kind in (argument.POSITIONAL_OR_KEYWORD, argument.KEYWORD_ONLY)
        if not named or name not in hints:
            raise UsageError(
                f"{made.__name__}: the argument '{name}' needs a type, as in '{name}: int = 16', "
                "so that recipes are checked"
            )
        if name in base.model_fields:
            raise UsageError(f"{made.__name__}: '{name}' means something else; rename the argument")
        required = argument.default is argument.empty
        fields[name] = (hints[name], Field(... if required else argument.default))
    return create_model(
        f"{made.__name__}Table",
        __base__=base,
        __module__=made.__module__,
        __doc__=made.__doc__,
        **fields,
    )


def first_sentence(made: type) -> str:
    """The first line of a class's own docstring; its name if it has none."""
    lines = inspect.cleandoc(made.__doc__ or "").splitlines()
    return lines[0].rstrip(".") if lines else made.__name__


def build_checked(make: Callable[[], Any], kind: str) -> Any:
    """The result of `make`, which builds an object of a plug-in.

    Raises:
        UsageError: `make` raised an error.
    """
    try:
        return make()
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(f"plug-in {kind}: {type(error).__name__}: {error}") from error
