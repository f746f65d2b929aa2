"""The service's own paths under ``/_localbedrock``, which no AWS call uses: faults and settings at run time."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from batchconsole.localbedrock.faults import InjectedFault
from batchconsole.localbedrock.service import Service
from batchconsole.localbedrock.settings import changed


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of *service*'s control paths."""

    async def list_faults(_: Request) -> Response:
        return _json(service.faults.all())

    async def add_fault(request: Request) -> Response:
        try:
            return _json(service.faults.add(msgspec.json.decode(await request.body(), type=InjectedFault)), 201)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return _json({"message": str(error)}, 400)

    async def clear_faults(_: Request) -> Response:
        service.faults.clear()
        return Response(status_code=204)

    async def show_settings(_: Request) -> Response:
        shown = msgspec.structs.asdict(service.settings)
        return _json(shown | {"model_api_key": bool(shown["model_api_key"])})

    async def change_settings(request: Request) -> Response:
        try:
            changes = msgspec.json.decode(await request.body(), type=dict[str, Any])
            service.settings = changed(service.settings, changes)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return _json({"message": str(error)}, 400)
        return await show_settings(request)

    faults, settings = "/_localbedrock/faults", "/_localbedrock/settings"
    return [
        Route(faults, list_faults, methods=["GET"]),
        Route(faults, add_fault, methods=["POST"]),
        Route(faults, clear_faults, methods=["DELETE"]),
        Route(settings, show_settings, methods=["GET"]),
        Route(settings, change_settings, methods=["PATCH"]),
    ]


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")
