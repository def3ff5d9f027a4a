"""fakesnow behind the protocol that the Node driver speaks: JSON row sets, chunks, error codes, key pairs and tokens.

Run: uvicorn snowflake-bridge:app    (one process: all state is in memory)
POST /control {"fail": {"code": "000606", "message": "..."}, "times": 1} answers the next queries so;
POST /control {"answers": {"CHANGES (": {"rowtype": [...], "rowset": [...]}}} answers queries that hold the text so;
POST /control {"dropChunks": 1} breaks off the next so many downloads of chunks in the middle.
"""

import asyncio
import gzip
import itertools
import json
import os
import re
from base64 import b64decode

import fakesnow.server as fs  # `from fakesnow import server` is a function
import jwt
import pyarrow as pa
import pyarrow.ipc
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

INLINE_ROWS = int(os.environ.get("BRIDGE_INLINE_ROWS", "1000"))
CHUNK_ROWS = int(os.environ.get("BRIDGE_CHUNK_ROWS", "10000"))
PASSWORD = os.environ.get("BRIDGE_PASSWORD", "")
TOKEN = os.environ.get("BRIDGE_TOKEN", "")
PUBLIC_KEY = os.environ.get("BRIDGE_PUBLIC_KEY", "")

# What our sessions set; the driver writes times by it.
PARAMETERS = {"TIMEZONE": "Etc/UTC", "TIME_OUTPUT_FORMAT": "HH24:MI:SS.FF9"}

# fakesnow has one time zone and no session parameters to speak of.
fs.shared_fs.nop_regexes = [r"\s*alter\s+session\s+(un)?set\s+(?!autocommit|quoted_identifiers)", r"\s*use\s+(warehouse|role)\b"]

chunks: dict[str, bytes] = {}
locks: dict[str, asyncio.Lock] = {}  # fakesnow shares one cursor per session
numbers = itertools.count()
faults = {"fail": None, "times": 0, "dropChunks": 0, "answers": {}}


def nanoseconds(value: int) -> str:
    """Integer nanoseconds as Snowflake writes a time: seconds, a point, nine digits."""
    sign = "-" if value < 0 else ""
    return f"{sign}{abs(value) // 10**9}.{abs(value) % 10**9:09d}"


def cells_of(column: pa.ChunkedArray, kind: str) -> list[str | None]:
    """One column of an Arrow answer as the texts of a JSON answer."""
    if pa.types.is_struct(column.type):  # timestamps: seconds and the nanoseconds below them
        zone = " 1440" if kind == "timestamp_tz" else ""
        return [
            None if v is None or v["epoch"] is None else nanoseconds(v["epoch"] * 10**9 + v["fraction"]) + zone
            for v in column.to_pylist()
        ]
    if kind == "time":
        return [None if v is None else nanoseconds(v) for v in column.cast(pa.int64()).to_pylist()]
    if kind == "date":
        column = column.cast(pa.int32())
    is_decimal = pa.types.is_decimal(column.type)
    write = {
        "boolean": lambda v: "1" if v else "0",
        "binary": lambda v: v.hex().upper(),
        "real": repr,
        "fixed": lambda v: format(v, "f") if is_decimal else str(v),
    }.get(kind, str)
    return [None if v is None else write(v) for v in column.to_pylist()]


def as_json_answer(data: dict, base: str) -> None:
    """Turns an Arrow answer into rows inline and the rest as chunks to download."""
    encoded = data.pop("rowsetBase64", None)
    rows = data.get("rowset") or []
    if encoded:
        table = pa.ipc.open_stream(b64decode(encoded)).read_all()
        columns = zip(table.columns, data["rowtype"], strict=True)
        rows = list(zip(*[cells_of(column, kind["type"]) for column, kind in columns]))
    data.update(queryResultFormat="json", version=1, returned=len(rows), total=len(rows))
    data["rowset"], data["chunks"] = rows[:INLINE_ROWS], []
    for start in range(INLINE_ROWS, len(rows), CHUNK_ROWS):
        part, key = rows[start : start + CHUNK_ROWS], str(next(numbers))
        text = json.dumps(part, ensure_ascii=False, separators=(",", ":"))[1:-1].encode()
        chunks[key] = text
        size = {"uncompressedSize": len(text), "compressedSize": len(text)}
        data["chunks"].append({"url": f"{base}chunk/{key}", "rowCount": len(part), **size})
    while len(chunks) > 1000:
        del chunks[next(iter(chunks))]


async def body_of(request) -> dict:
    raw = await request.body()
    return json.loads(gzip.decompress(raw) if request.headers.get("content-encoding") == "gzip" else raw)


def refusal(login: dict) -> tuple[str, str] | None:
    """Why a login is refused: code and message as Snowflake has them."""
    how = login.get("AUTHENTICATOR")
    if how == "SNOWFLAKE_JWT":
        try:
            # The driver sends `iat` in milliseconds.
            jwt.decode(login["TOKEN"], open(PUBLIC_KEY).read(), algorithms=["RS256"], options={"verify_iat": False})
        except (jwt.PyJWTError, OSError):
            return "390144", "JWT token is invalid."
    elif how in ("OAUTH", "PROGRAMMATIC_ACCESS_TOKEN"):
        if login.get("TOKEN") != TOKEN:
            return "390303", "Invalid OAuth access token."
    elif login.get("PASSWORD") != PASSWORD:
        return "390100", "Incorrect username or password was specified."
    return None


async def login(request):
    sent = (await body_of(request))["data"]
    sent.setdefault("SESSION_PARAMETERS", {})
    refused = refusal(sent)
    if refused:
        return JSONResponse({"data": {}, "code": refused[0], "message": refused[1], "success": False})
    request._body = json.dumps({"data": sent}).encode()
    request.scope["headers"] = [header for header in request.scope["headers"] if header[0] != b"content-encoding"]
    answer = json.loads((await fs.login_request(request)).body)
    return JSONResponse(answer | {"code": None, "message": None})


async def query(request):
    if faults["times"] > 0 and faults["fail"]:
        faults["times"] -= 1
        return JSONResponse({"data": {"sqlState": "XX000"}, "success": False, **faults["fail"]})
    text = (await body_of(request)).get("sqlText") or ""
    for known, written in faults["answers"].items():
        if known in text:
            rows = written["rowset"]
            data = {**written, "queryResultFormat": "json", "version": 1, "returned": len(rows), "total": len(rows), "chunks": []}
            return JSONResponse({"success": True, "code": None, "message": None, "data": data | {"parameters": []}})
    session = (request.headers.get("authorization") or "")[17:-1]
    async with locks.setdefault(session, asyncio.Lock()):
        try:
            answer = json.loads((await fs.query_request(request)).body)
        except Exception as error:  # what fakesnow does not catch itself
            answer = {"success": False, "code": "000603", "message": f"fakesnow: {type(error).__name__}: {error}"}
    if answer.get("data") is None:
        answer["data"] = {"sqlState": "XX000"}
    fs.shared_fs.results_cache.clear()  # it keeps every result for ever
    if answer["success"] and answer["data"].get("rowtype") is not None:
        as_json_answer(answer["data"], str(request.base_url))
        answer["data"]["parameters"] = [{"name": name, "value": value} for name, value in PARAMETERS.items()]
        answer.setdefault("code", None)
    # Always HTTP 200: the driver tries a 5xx again for minutes instead of reporting it.
    return JSONResponse(answer)


async def chunk(request):
    text = chunks.get(request.path_params["key"])
    if text is not None and faults["dropChunks"] > 0:
        faults["dropChunks"] -= 1
        return Response(b"", status_code=404)
    return Response(text or b"", status_code=404 if text is None else 200, media_type="binary/octet-stream")


async def control(request):
    faults.update(await request.json())
    return JSONResponse(faults)


async def fine(_request):
    return JSONResponse({"data": {}, "code": None, "message": None, "success": True})


own = [
    Route("/session/v1/login-request", login, methods=["POST"]),
    Route("/queries/v1/query-request", query, methods=["POST"]),
    Route("/chunk/{key}", chunk),
    Route("/control", control, methods=["POST"]),
    Route("/telemetry/send", fine, methods=["POST"]),
]
taken = {route.path for route in own}
app = Starlette(routes=own + [route for route in fs.routes if route.path not in taken])
