"""The function app: triggers and bindings, nothing else.

Importing it has no effects, needs no settings and imports nothing heavy: the host does so to find
the functions.
"""

import azure.functions as func

app = func.FunctionApp()


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
