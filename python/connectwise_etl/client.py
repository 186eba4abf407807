"""The API without a lakehouse."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl, urlencode

from . import _native
from .errors import ConfigError
from .frame import Frame
from .settings import Config, Names, names, tenant, whole
from .spark import of_notebook
from .utils import create_batch_identifier

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["ConnectWiseClient", "Response"]

Params = Mapping[str, object]

#: Records that the API puts on a page at most.
LARGEST_PAGE = 1_000


class Response:
    """An answer with a status of success; others are raised as exceptions."""

    def __init__(self, status_code: int, headers: Sequence[tuple[str, str]], content: bytes) -> None:
        #: HTTP status, 200 to 299.
        self.status_code = status_code
        #: Headers; names have no case.
        self.headers = Headers(headers)
        #: The body, decompressed.
        self.content = content

    @property
    def ok(self) -> bool:
        """Always true: what isn't is an exception."""
        return True

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON; ``None`` where there is none, as in the answer to a DELETE."""
        return jsonlib.loads(self.content) if self.content.strip() else None

    def raise_for_status(self) -> None:
        """Does nothing: an error was raised when the answer came."""

    def __repr__(self) -> str:
        return f"<Response {self.status_code}, {len(self.content):,} bytes>"


class Headers(Mapping[str, str]):
    """Headers of an answer. The values of a name that came twice stand together, with a comma between them."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._values: dict[str, str] = {}
        for name, value in pairs:
            name = name.lower()
            self._values[name] = f"{self._values[name]}, {value}" if name in self._values else value

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class ConnectWiseClient:
    """A client of one tenant's API.

    It repeats failed requests as far as that can do no harm, and keeps to the limits of the server: make one, and use it for
    everything. Threads can share it. A path is that below the API root, as ``time/entries``, or a URL of the server; it may have a
    query behind ``?``.

    :param config: path of a ``connectwise-etl.toml``, or variables such as ``{"CW_BASE_URL": ...}``; the other arguments count
        more, and the environment less
    :param base_url: address of the server
    :param username: ``company+publicKey``
    :param password: the private key
    :param client_id: from the vendor's developer portal
    :param spark: a Spark session, whose data frames :meth:`extract` returns then
    :param page_size: records a page where a call doesn't say, 1 to 1000
    :raises ConfigError: (a ``ValueError``) credentials are missing or can't be right; nothing was sent
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        base_url: str | None = None,
        username: str | None = None,
        password: str | None = None,
        client_id: str | None = None,
        spark: SparkSession | None = None,
        page_size: int | None = None,
    ) -> None:
        self._page_size = whole("page_size", page_size, 1, LARGEST_PAGE)
        opened = tenant(
            config, CW_BASE_URL=base_url, CW_AUTH_USERNAME=username, CW_AUTH_PASSWORD=password, CW_CLIENTID=client_id
        )
        self._client: _native.Client = opened.client()
        self._spark = spark

    @property
    def base_url(self) -> str:
        """Root of the API, to which requests go."""
        return self._client.base_url

    def extract(
        self,
        endpoint: str,
        page_size: int | None = None,
        conditions: str | None = None,
        fields: Names | None = None,
        *,
        child_conditions: str | None = None,
        custom_field_conditions: str | None = None,
        order_by: str | None = None,
        params: Params | None = None,
        max_pages: int | None = None,
        limit: int | None = None,
        spark: SparkSession | None = None,
        returns: Literal["auto", "frame", "spark"] = "auto",
    ) -> Frame | DataFrame:
        """Reads a list to its end.

        The columns are those of the interface document, so that a list always gives the same ones, and ``_rescued`` holds as JSON
        what has no place in them. Lists that it has no table for have the columns of their records.

        :param page_size: records a page, 1 to 1000
        :param conditions: which records, in the API's query language: ``"timeStart >= [2026-01-01T00:00:00Z]"``
        :param fields: which properties, nested ones with ``/``: ``"id,actualHours,member/name"``
        :param order_by: as ``"priority/sort desc"``; rows that are deleted meanwhile can hide others then
        :param params: parameters that only this list has
        :param max_pages: most pages of ``page_size`` records (1,000 without it) to read
        :param limit: most records to read
        :param spark: a Spark session, whose data frame the result is
        :param returns: ``frame`` for a :class:`Frame`, ``spark`` for a data frame of Spark. ``auto`` is one of Spark where there is a
            session: the one of this call, that of the client, or the ``spark`` that a notebook has from its beginning
        :raises SourceError: the list can't be read; ``IncompleteError`` where it can't prove that it is whole
        """
        size = self._page_size if page_size is None else page_size
        most = _most(max_pages, size, limit)
        wanted = _wanted(conditions, child_conditions, custom_field_conditions, fields, order_by, size, most)
        if returns not in ("auto", "frame", "spark"):
            raise ConfigError(f'returns is "auto", "frame" or "spark", and not {returns!r}')
        session = None if returns == "frame" else spark or self._spark or of_notebook()
        if returns == "spark" and session is None:
            raise ConfigError("there is no Spark session: give one as spark")
        frame = Frame(self._client.extract(_address(endpoint, params), wanted))
        return frame if session is None else frame.to_spark(session)

    def extract_all(
        self,
        entities: Names | None = None,
        *,
        page_size: int | None = None,
        spark: SparkSession | None = None,
        returns: Literal["auto", "frame", "spark"] = "auto",
    ) -> dict[str, Frame | DataFrame]:
        """Reads lists to their ends, one after the other, each as :meth:`extract` does; they are all in memory then.

        :param entities: names such as ``Agreement,TimeEntry``; without them all that become tables, except child lists, which
            have no path of their own
        :raises ConfigError: there is no such entity, or it has no list of its own; nothing was asked
        :raises SourceError: one of the lists can't be read
        """
        paths = dict(_native.entities())
        lists = {name: path for name, path in paths.items() if "{" not in path}
        known = {name.casefold(): name for name in paths}
        wanted = []
        for name in names(entities) if entities is not None else lists:
            entity = known.get(name.casefold())
            if entity is None:
                raise ConfigError(f"there is no entity {name!r}: connectwise_etl.schema() lists all")
            if entity not in lists:
                raise ConfigError(f"{entity} is a child list: extract it by the path of one parent record")
            wanted.append(entity)
        return {entity: self.extract(lists[entity], page_size, spark=spark, returns=returns) for entity in wanted}

    def paginate(
        self,
        endpoint: str,
        entity_name: str | None = None,
        *,
        params: Params | None = None,
        fields: Names | None = None,
        conditions: str | None = None,
        child_conditions: str | None = None,
        custom_field_conditions: str | None = None,
        order_by: str | None = None,
        max_pages: int | None = None,
        page_size: int | None = None,
        limit: int | None = None,
    ) -> list[dict[str, Any]]:
        """Reads a list to its end, as the dictionaries that the API's JSON is.

        :param entity_name: what the list is called; taken for the sake of old calls

        The other arguments and what is raised are those of :meth:`extract`.
        """
        size = self._page_size if page_size is None else page_size
        most = _most(max_pages, size, limit)
        wanted = _wanted(conditions, child_conditions, custom_field_conditions, fields, order_by, size, most)
        return [jsonlib.loads(record) for record in self._client.records(_address(endpoint, params), wanted)]

    def count(
        self,
        endpoint: str,
        conditions: str | None = None,
        *,
        child_conditions: str | None = None,
        custom_field_conditions: str | None = None,
        params: Params | None = None,
    ) -> int:
        """How many records a list has. Not every list can count."""
        wanted = _wanted(conditions, child_conditions, custom_field_conditions, None, None, None, None)
        return self._client.count(_address(endpoint, params), wanted)

    #: :func:`connectwise_etl.utils.create_batch_identifier`, where old calls have it.
    create_batch_identifier = staticmethod(create_batch_identifier)

    def get(
        self,
        endpoint: str,
        params: Params | None = None,
        *,
        fields: Names | None = None,
        conditions: str | None = None,
        child_conditions: str | None = None,
        order_by: str | None = None,
    ) -> Response:
        """Reads, as ``get("service/tickets/7")``; of a list one page, whose rows the last four arguments choose, as in :meth:`extract`."""
        named = {
            "fields": ",".join(names(fields)) or None,
            "conditions": conditions,
            "childConditions": child_conditions,
            "orderBy": order_by,
        }
        return self._request("GET", endpoint, {**(params or {}), **{name: said for name, said in named.items() if said}}, None)

    def post(
        self, endpoint: str, json: object = None, params: Params | None = None, *, json_data: object = None
    ) -> Response:
        """Creates, or searches. A write isn't repeated where the server may have carried it out.

        :param json: the body; ``json_data`` is the same, for the sake of old calls
        """
        return self._request("POST", endpoint, params, _body(json, json_data))

    def put(
        self, endpoint: str, json: object = None, params: Params | None = None, *, json_data: object = None
    ) -> Response:
        """Replaces. The arguments are those of :meth:`post`."""
        return self._request("PUT", endpoint, params, _body(json, json_data))

    def patch(
        self, endpoint: str, json: object = None, params: Params | None = None, *, json_data: object = None
    ) -> Response:
        """Changes parts: ``patch("service/tickets/7", [{"op": "replace", "path": "summary", "value": "x"}])``.

        The arguments are those of :meth:`post`.
        """
        return self._request("PATCH", endpoint, params, _body(json, json_data))

    def delete(self, endpoint: str, params: Params | None = None) -> Response:
        """Deletes."""
        return self._request("DELETE", endpoint, params, None)

    def _request(self, method: str, endpoint: str, params: Params | None, body: object) -> Response:
        text = None if body is None else jsonlib.dumps(body, allow_nan=False)
        path, _, query = endpoint.strip().partition("?")
        pairs = [*parse_qsl(query, keep_blank_values=True), *_pairs(params)]
        return Response(*self._client.request(method, path.removeprefix(self.base_url).strip("/"), pairs, text))

    def __repr__(self) -> str:
        return f"<ConnectWiseClient {self.base_url}>"


def _body(json: object, json_data: object) -> object:
    if json is not None and json_data is not None:
        raise ConfigError("json and json_data are two names of the same: give one")
    return json_data if json is None else json


def _most(max_pages: int | None, page_size: int | None, limit: int | None) -> int | None:
    """The most records that a number of pages and a limit allow."""
    pages, size = whole("max_pages", max_pages, 1), whole("page_size", page_size, 1, LARGEST_PAGE)
    if pages is None:
        return limit
    most = pages * (LARGEST_PAGE if size is None else size)
    return most if limit is None else min(most, limit)


def _wanted(
    conditions: str | None,
    child_conditions: str | None,
    custom_field_conditions: str | None,
    fields: Names | None,
    order_by: str | None,
    page_size: int | None,
    limit: int | None,
) -> dict[str, object]:
    return {
        "conditions": conditions,
        "child_conditions": child_conditions,
        "custom_field_conditions": custom_field_conditions,
        "fields": ",".join(names(fields)) or None,
        "order_by": order_by,
        "page_size": whole("page_size", page_size, 1, LARGEST_PAGE),
        "limit": whole("limit", limit, 1),
    }


def _pairs(params: Params | None) -> list[tuple[str, str]]:
    written = {True: "true", False: "false"}
    return [
        (name, written[value] if isinstance(value, bool) else str(value))
        for name, value in (params or {}).items()
        if value is not None
    ]


def _address(endpoint: str, params: Params | None) -> str:
    pairs = _pairs(params)
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(pairs)}" if pairs else endpoint
