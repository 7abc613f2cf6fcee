"""The one place where the parts are put together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy import Connection
from starlette.exceptions import HTTPException

from api.app import openapi
from api.app.admission import Admission
from api.app.edge import Edge
from api.errors import Problem, invalid, problem_of
from api.pages import site
from api.routes import (
    classify,
    complaints,
    imports,
    jobs,
    learning,
    models,
    operations,
    problems,
    reports,
)
from api.routes import deliveries as delivery_routes
from api.routes import trends as trend_routes
from api.routes import warnings as warning_routes
from api.routes.access import ACCESS, admit
from api.services import analysis
from api.services import imports as import_service
from api.services.access import Gate
from api.services.clock import Clock, wall_clock
from api.services.delivery.courier import Courier
from api.services.desks import Desks, LoadDesk
from api.services.improvement import proof, rounds
from api.services.intake import Intake
from api.services.judgement import by_rule
from api.services.keyfiles import check_value, secret
from api.services.learning import drift, queue, training
from api.services.learning.drift import WeeklyLook
from api.services.learning.shadow import Shadow
from api.services.logs import Log, fault, make_log
from api.services.masking import Masker
from api.services.metrics import Metrics
from api.services.models import follow, load_desk
from api.services.office import Office
from api.services.vault import Vault
from api.services.worker import Handler, Round, Worker
from api.settings import Settings
from api.store import facts, migration
from api.store.database import open_database
from api.store.engine import durability, refuse_unsafe
from domain.complaint import Complaint
from domain.errors import SettingRefused, SuyuanError

_FOLLOW_SECONDS = 2.0
HANDLERS: dict[str, Handler] = {
    import_service.KIND: import_service.run_import,
    analysis.KIND: analysis.run_report,
    proof.KIND: proof.run_effects,
    training.KIND: training.run_training,
    queue.KIND: queue.run_suspects,
    drift.KIND: drift.run_look,
}


def regular_rounds() -> tuple[Round, ...]:
    """What a worker looks after again and again."""
    return (rounds.tend, Shadow().tend, WeeklyLook().tend)


def make_office(
    settings: Settings,
    *,
    clock: Clock = wall_clock,
    load: LoadDesk | None = None,
    log: Log | None = None,
) -> Office:
    """Every part of an installation; nothing is connected or loaded yet."""
    masking_key = secret(settings.data_dir, "masking", settings.masking_key)
    masker = Masker(masking_key)
    database = open_database(settings)
    desks = Desks(load or partial(load_desk, settings))
    originals = None
    if settings.keep_original:
        originals = Vault(secret(settings.data_dir, "originals", settings.original_key))
    return Office(
        settings=settings,
        clock=clock,
        log=log or make_log(settings.log_level),
        metrics=Metrics(),
        database=database,
        desks=desks,
        gate=Gate(database, settings, clock),
        masker=masker,
        uploads=Vault(secret(settings.data_dir, "uploads")),
        originals=originals,
        intake=Intake(database, desks, masker, originals, masking_key, settings, clock),
    )


def prepare(office: Office) -> None:
    """Bring the database up and refuse what would lose or mix up complaints."""
    settings = office.settings
    _warm(office)
    if settings.on_sqlite:
        migration.migrate(settings)
    check = partial(_check, office=office, masking_check=_masking_check(settings))
    for warning in office.database.submit(check).result():
        office.log.warning("durability", detail=warning)


def _warm(office: Office) -> None:
    """Load words and masks now, so that no request waits for them."""
    masked = office.masker.complaint(Complaint("-", "屏幕一直闪，请回电"))
    by_rule(masked, office.clock())


def _masking_check(settings: Settings) -> str:
    return check_value(secret(settings.data_dir, "masking", settings.masking_key))


def _check(connection: Connection, office: Office, masking_check: str) -> list[str]:
    found, needed = migration.version(connection), migration.newest()
    if found != needed:
        raise SettingRefused(
            f"the tables have version {found}, needed is {needed}; run `suyuan migrate`"
        )
    stored = facts.fact(connection, "masking key")
    if stored is None:
        facts.state(connection, "masking key", masking_check)
    elif stored != masking_check:
        raise SettingRefused(
            "the masking key is not the one that this database was filled with; give that one"
        )
    safety = durability(connection, office.settings)
    refuse_unsafe(safety, office.settings)
    return [*safety.warnings, *safety.refusals]


def create_app(
    settings: Settings,
    *,
    clock: Clock = wall_clock,
    load: LoadDesk | None = None,
    log: Log | None = None,
) -> FastAPI:
    """The service of one installation."""
    office = make_office(settings, clock=clock, load=load, log=log)
    app = FastAPI(
        title="Suyuan 诉源",
        version="1",
        lifespan=partial(_life, office=office),
        dependencies=[Depends(admit)],
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation,
    )
    app.state.office = office
    for part in (classify, complaints, imports, reports, problems, jobs, models, operations, site):
        app.include_router(part.router)
    for more in (learning, warning_routes, trend_routes, delivery_routes):
        app.include_router(more.router)
    app.mount("/static", site.static_files())
    for kind in (SuyuanError, Problem, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, _refused)
    app.openapi = partial(openapi.document, app)  # type: ignore[method-assign]
    app.state.admission = Admission(settings, office.metrics)
    app.add_middleware(
        Edge,
        settings=settings,
        metrics=office.metrics,
        log=office.log,
        admission=app.state.admission,
    )
    return app


def _operation(route: APIRoute) -> str:
    return f"{route.tags[0] if route.tags else 'page'}_{route.name}"


@contextlib.asynccontextmanager
async def _life(_app: FastAPI, office: Office) -> AsyncIterator[None]:
    try:
        await asyncio.to_thread(prepare, office)
        async with _at_work(office):
            yield
    finally:
        await asyncio.to_thread(office.database.close)


@contextlib.asynccontextmanager
async def _at_work(office: Office) -> AsyncIterator[None]:
    await _catch_up(office)
    following = asyncio.create_task(_follow(office))
    worker = Worker(office, HANDLERS, regular_rounds()) if office.settings.embedded_worker else None
    courier = Courier(office) if office.settings.embedded_worker else None
    if worker is not None:
        worker.start()
        office.signs["worker"] = worker.sign
    if courier is not None:
        courier.start()
    try:
        yield
    finally:
        following.cancel()
        if worker is not None:
            await asyncio.to_thread(worker.stop)
        if courier is not None:
            await asyncio.to_thread(courier.stop)


async def _follow(office: Office) -> None:
    """Keep the desk at the version that was activated last."""
    while True:
        await asyncio.sleep(_FOLLOW_SECONDS)
        await _catch_up(office)


async def _catch_up(office: Office) -> None:
    try:
        await asyncio.to_thread(follow, office)
    except SuyuanError as error:
        office.log.warning("no new model", detail=str(error))
    except Exception as error:
        office.log.error("model fault", **fault(error))


async def _refused(request: Request, error: Exception) -> Response:
    problem = _problem(error, request)
    if problem.status == 500:
        office: Office = request.app.state.office
        office.log.error("fault", request=request.scope.get("request_id"), **fault(error))
    headers = problem.all_headers()
    return Response(problem.body(), problem.status, headers)


def _problem(error: Exception, request: Request) -> Problem:
    if isinstance(error, RequestValidationError):
        return invalid(error.errors())
    if isinstance(error, HTTPException):
        words = _PHRASES.get(error.status_code, "refused")
        return Problem(error.status_code, words, headers=_allowed(error, request))
    return problem_of(error)


def _allowed(error: HTTPException, request: Request) -> dict[str, str]:
    """Which methods the address takes, over all routes that share it."""
    if error.status_code != 405:
        return {}
    path = getattr(request.scope.get("route"), "path", None)
    methods = sorted(method for method, listed in ACCESS if listed == path)
    return {"allow": ", ".join(methods) or (error.headers or {}).get("Allow", "")}


_PHRASES = {404: "there is nothing at this address", 405: "this address takes other methods"}
