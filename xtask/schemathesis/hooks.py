"""Rules that openapi.yaml cannot express, and differences of API Gateway. Both would otherwise be reported as failures."""

import itertools
import re

import schemathesis
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import TestPhase
from schemathesis.generation.modes import GenerationMode
from schemathesis.openapi.checks import RejectedPositiveData, UnsupportedMethodResponse

# A well-formed value may still not match this task, this list, or this request.
UNFIT = {
    "version_mismatch",
    "already_exists",
    "invalid_task_id",
    "invalid_cursor",
    "invalid_sync_token",
    "idempotency_key_reused",
    # A token from before an erasure.
    "tasks_erased",
    "no_next_occurrence",
}
# Values that are valid alone but not together, such as tags that differ only in surrounding white space.
AT_ODDS = {
    "can only be used with status=open",
    "must be later than due_from",
    "must be the id of the task",
    "must not name a tag twice",
    "must not be named twice in an atomic batch",
    "must not have a time of zero, or more than a day from now",
    "must be another task of the same list that has a position",
    "is required of a task that recurs",
    "must be the id of a task",
    "must be an open task",
    "cannot be set on a subtask",
    "must not be occurrence together with completed or recurrence",
}
# Texts whose grammar a schema cannot say.
GRAMMARS = ("/recurrence/rule", "/recurrence/time_zone", "/position")
ENTITY_TAGS = re.compile(r'\*|((W/)?"[!#-~]*" ?, ?){0,49}(W/)?"[!#-~]*"')

numbers = itertools.count(1)


@schemathesis.hook
def before_call(context, case, kwargs):
    """Lets more requests pass validation, with new keys, existing versions, and consistent parameters."""
    number = next(numbers)
    key = str(case.headers.get("Idempotency-Key", ""))
    if re.fullmatch("[!-~]{1,200}", key):
        case.headers["Idempotency-Key"] = f"{key}.{number}"
    if case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    # In the stateful phase, an erasure would remove the tasks that other requests follow.
    if "Confirm-Erase" in case.headers and case.meta.phase.name != TestPhase.STATEFUL:
        case.headers["Confirm-Erase"] = str(case.path_parameters["user_id"])
    # schemathesis often sends invalid quoted headers and expects them to be accepted.
    fields = case.meta.components.get(ParameterLocation.HEADER)
    is_wrong = fields is not None and fields.mode != GenerationMode.POSITIVE
    is_wrong = is_wrong or not all(
        ENTITY_TAGS.fullmatch(str(case.headers.get(name, "*"))) for name in ("If-Match", "If-None-Match")
    )
    if "If-Match" in case.headers and (is_wrong or number % 4):
        case.headers["If-Match"] = "*"
    if "If-None-Match" in case.headers and case.method == "PUT":
        case.headers["If-None-Match"] = "*"
        case.headers.pop("If-Match", None)
        # Most ids that fit the pattern are from the future.
        case.path_parameters["task_id"] = f"01990000-0000-7000-8000-{number:012x}"
    elif "If-None-Match" in case.headers and is_wrong:
        case.headers["If-None-Match"] = '"0"'
    if case.method == "PUT" and isinstance(case.body, dict) and number % 4:
        case.body.pop("id", None)
    if isinstance(case.body, dict) and isinstance(case.body.get("items"), list):
        for index, item in enumerate(case.body["items"]):
            if item["op"] == "create":
                item["id"] = f"01990000-0000-7000-8000-{number:08x}{index:04x}"
                item["task"].pop("id", None)
    if case.query:
        case.query.pop("cursor", None)
        if "parent_id" in case.query:
            for name in case.query.keys() - {"parent_id", "limit"}:
                case.query.pop(name)
        if "sort" in case.query:
            case.query["status"] = "open"
        if case.query.keys() & {"due_from", "due_before"}:
            case.query["status"] = "open"
            case.query.pop("sort", None)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Drops false positives, which are recognized by the exact response."""
    if isinstance(failure, RejectedPositiveData):
        problem = response.json()
        at_odds = [
            error["detail"] in AT_ODDS or error.get("pointer", "").endswith(GRAMMARS)
            for error in problem.get("errors", [])
        ]
        is_unconfirmed = problem["detail"].startswith("To erase all tasks, send Confirm-Erase")
        return not (problem["code"] in UNFIT or is_unconfirmed or (at_odds and all(at_odds)))
    if isinstance(failure, UnsupportedMethodResponse):
        # API Gateway never returns 405: a method without a route gets the same 404 as a path without a route, or goes to a
        # route with a parameter in this place, which knows neither the query of the other route nor a task with its name.
        answer = response.json()
        reason = (response.status_code, answer.get("code", answer))
        return reason not in [(404, {"message": "Not Found"}), (404, "task_not_found"), (400, "invalid_parameter")]
    return True
