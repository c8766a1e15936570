"""The function app: triggers and bindings, nothing else.

Importing it has no effects, needs no settings and imports nothing heavy: the host does so to find
the functions.
"""

import os

import azure.functions as func

app = func.FunctionApp()

# With the platform's login before the pages the host lets everybody through to them, and they
# answer only whom the login knows; without it they need the function's key.
_HAS_LOGIN = os.environ.get("DETECTOR_LOGIN", "").strip().lower() == "true"
_PAGES = func.AuthLevel.ANONYMOUS if _HAS_LOGIN else func.AuthLevel.FUNCTION


@app.timer_trigger(
    arg_name="timer", schedule="%DETECTOR_SCHEDULE%", use_monitor=True, run_on_startup=False
)
def detect(timer: func.TimerRequest) -> None:  # noqa: ARG001 -- late or not, a run does the same
    """One run: tell every failover that the logs show and that was not told.

    Raises RunFailed, after everything else was done, when a part of the run failed.
    """
    from detector.app import invoke

    invoke()


@app.timer_trigger(
    arg_name="timer", schedule="0 23 5 * * *", use_monitor=True, run_on_startup=False
)
def check_coverage(timer: func.TimerRequest) -> None:  # noqa: ARG001 -- late or not, it is the same
    """Once a day: which gateways could fail over unseen, and who is to hear of it.

    Raises RunFailed, after everything else was done, where somebody could not be told.
    """
    from detector.app import look_round

    look_round()


@app.queue_trigger(
    arg_name="wish", queue_name="detector-requests", connection="AzureWebJobsStorage"
)
def detect_requested(wish: func.QueueMessage) -> None:  # noqa: ARG001 -- it says no more than that
    """The same run, for whom `detect_now` was asked by."""
    from detector.app import invoke

    invoke()


@app.route(route="detect", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
def detect_now(req: func.HttpRequest) -> func.HttpResponse:
    """A run soon, for an alert; at once and with its report, for an empty body."""
    from detector.app import web

    return func.HttpResponse(**web.detect_now(req.get_body()).arguments())


@app.route(route="failovers", methods=["GET"], auth_level=_PAGES)
def failovers(req: func.HttpRequest) -> func.HttpResponse:
    """The failovers of all gateways, as a page or as JSON."""
    from detector.app import web

    return func.HttpResponse(**web.failovers(req.params, req.headers).arguments())


@app.route(route="failovers/{id}", methods=["GET"], auth_level=_PAGES)
def failover(req: func.HttpRequest) -> func.HttpResponse:
    """One failover, as a page, as its document or as Markdown."""
    from detector.app import web

    failover_id = req.route_params.get("id", "")
    answer = web.failover(failover_id, req.params, req.headers)
    return func.HttpResponse(**answer.arguments())


@app.route(route="health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 -- all get the same
    """Whether the detector does its work, without a name."""
    from detector.app import web

    return func.HttpResponse(**web.health().arguments())
