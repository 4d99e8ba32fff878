"""A tour of the API with the client that openapi-python-client generates from openapi.yaml: every operation, and
typed errors."""

import os
from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import TypeVar
from uuid import uuid4

from task_api_client import AuthenticatedClient, Client
from task_api_client.api.tasks import (
    complete_task,
    create_task,
    delete_task,
    get_task,
    list_tasks,
    replace_task,
    update_task,
)
from task_api_client.models import (
    Completion,
    FieldError,
    ListTasksStatus,
    NewTask,
    Page,
    ParameterError,
    Priority,
    Problem,
    ProblemCode,
    Task,
    TaskChanges,
    TaskReplacement,
)

T = TypeVar("T")

API_URL = os.environ["API_URL"]
MORNING = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)


def main() -> None:
    # A response that openapi.yaml does not document raises an exception.
    with AuthenticatedClient(API_URL, os.environ["TOKEN"], raise_on_unexpected_status=True) as client:
        work_with_tasks(client)
        meet_problems(client)
        assert titles(client) == [], "everything is deleted"
    with Client(API_URL, raise_on_unexpected_status=True) as anonymous:
        expect_problem(list_tasks.sync_detailed("me", client=anonymous), ProblemCode.TOKEN_MISSING)


def work_with_tasks(client: AuthenticatedClient) -> None:
    wanted = NewTask(title="Buy milk", due=date(2026, 11, 30), priority=Priority.HIGH, tags=["shop"])
    key = str(uuid4())
    milk = expect(Task, create_task.sync("me", client=client, body=wanted, idempotency_key=key))
    assert (milk.title, milk.due, milk.priority, milk.tags) == ("Buy milk", date(2026, 11, 30), Priority.HIGH, ["shop"])
    assert (milk.completed, milk.description, milk.version) == (False, None, 1)
    assert create_task.sync("me", client=client, body=wanted, idempotency_key=key) == milk, "no second task"
    bread = expect(Task, create_task.sync("me", client=client, body=NewTask(title="Buy bread", due=MORNING)))
    assert (bread.due, bread.priority) == (MORNING, Priority.NONE)

    assert get_task.sync("me", milk.id, client=client) == milk
    unchanged = get_task.sync_detailed("me", milk.id, client=client, if_none_match='"1"')
    assert (unchanged.status_code, unchanged.parsed) == (HTTPStatus.NOT_MODIFIED, None)

    assert titles(client, priority=Priority.HIGH, tag="shop") == ["Buy milk"]
    assert titles(client, status=ListTasksStatus.OPEN, due_from=date(2026, 1, 1)) == ["Buy milk", "Buy bread"]
    first = expect(Page, list_tasks.sync("me", client=client, limit=1))
    assert isinstance(first.next_cursor, str)
    second = expect(Page, list_tasks.sync("me", client=client, limit=1, cursor=first.next_cursor))
    assert [first.tasks, second.tasks, second.next_cursor] == [[bread], [milk], None]

    changes = TaskChanges(title="Buy oat milk", due=None, priority=None)
    milk = expect(Task, update_task.sync("me", milk.id, client=client, body=changes, if_match='"1"'))
    assert (milk.title, milk.due, milk.priority, milk.tags) == ("Buy oat milk", None, Priority.NONE, ["shop"])
    milk = expect(Task, complete_task.sync("me", milk.id, client=client, body=Completion(completed=True)))
    assert (milk.completed, milk.completed_at) == (True, milk.updated_at)
    assert titles(client, status=ListTasksStatus.COMPLETED) == ["Buy oat milk"]
    bread = expect(Task, replace_task.sync("me", bread.id, client=client, body=TaskReplacement(title="Bake bread")))
    assert (bread.title, bread.due) == ("Bake bread", None)
    # A task can be changed and sent back as it was read.
    replacement = TaskReplacement.from_dict(milk.to_dict() | {"completed": False})
    milk = expect(Task, replace_task.sync("me", milk.id, client=client, body=replacement))
    assert (milk.title, milk.completed, milk.completed_at) == ("Buy oat milk", False, None)

    for task in (milk, bread):
        deleted = delete_task.sync_detailed("me", task.id, client=client, if_match=f'"{task.version}"')
        assert (deleted.status_code, deleted.parsed) == (HTTPStatus.NO_CONTENT, None)
        expect_problem(get_task.sync_detailed("me", task.id, client=client), ProblemCode.TASK_NOT_FOUND)


def meet_problems(client: AuthenticatedClient) -> None:
    refused = create_task.sync_detailed("me", client=client, body=NewTask(title="", tags=["ok", ""]))
    problem = expect_problem(refused, ProblemCode.INVALID_FIELD)
    assert [error.pointer for error in problem.errors if isinstance(error, FieldError)] == ["/title", "/tags/1"]

    refused = list_tasks.sync_detailed("me", client=client, limit=0)
    problem = expect_problem(refused, ProblemCode.INVALID_PARAMETER)
    assert [error.parameter for error in problem.errors if isinstance(error, ParameterError)] == ["limit"]

    task = expect(Task, create_task.sync("me", client=client, body=NewTask(title="Stay")))
    refused = update_task.sync_detailed("me", task.id, client=client, body=TaskChanges(title="x"), if_match='"7"')
    expect_problem(refused, ProblemCode.VERSION_MISMATCH)
    expect_problem(delete_task.sync_detailed("somebody-else", task.id, client=client), ProblemCode.FORBIDDEN)
    delete_task.sync("me", task.id, client=client)
    expect_problem(complete_task.sync_detailed("me", uuid4(), client=client), ProblemCode.TASK_NOT_FOUND)


def expect(kind: type[T], answer: object) -> T:
    assert isinstance(answer, kind), answer
    return answer


def expect_problem(response, code: ProblemCode) -> Problem:
    problem = expect(Problem, response.parsed)
    assert (problem.code, problem.status) == (code, response.status_code), problem
    assert problem.request_id == response.headers["x-request-id"]
    return problem


def titles(client: AuthenticatedClient, **query) -> list[str]:
    return [task.title for task in expect(Page, list_tasks.sync("me", client=client, **query)).tasks]


main()
