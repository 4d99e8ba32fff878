"""The same job as a FastAPI application: Mangum, PyJWT and boto3."""

import os
from datetime import datetime, timezone
from typing import Annotated, Literal

import boto3
import jwt
from boto3.dynamodb.conditions import Key
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from mangum import Mangum
from pydantic import BaseModel, ConfigDict, Field
from uuid_utils import uuid7

PAGE = 50

table = boto3.resource("dynamodb").Table(os.environ["TASKS_TABLE"])
secret = os.environ["BETTER_AUTH_SECRET"]
issuer = os.environ["TOKEN_ISSUER"]
audience = os.environ["TOKEN_AUDIENCE"]

app = FastAPI(title="Tasks", openapi_url=None)

Priority = Literal["none", "low", "medium", "high"]


class NewTask(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=1, max_length=200)
    description: str | None = None
    priority: Priority = "none"
    due: str | None = None
    tags: list[str] = []


class Task(BaseModel):
    id: str
    title: str
    description: str | None
    completed: bool
    completed_at: str | None
    priority: Priority
    due: str | None
    tags: list[str]
    created_at: str
    updated_at: str
    version: int

    @classmethod
    def of(cls, item: dict) -> "Task":
        return cls(
            id=item["task_id"],
            title=item["title"],
            description=item.get("description"),
            completed="completed_at" in item,
            completed_at=item.get("completed_at"),
            priority=item["priority"],
            due=item.get("due"),
            tags=item["tags"],
            created_at=item["created_at"],
            updated_at=item["updated_at"],
            version=item["version"],
        )


class Page(BaseModel):
    tasks: list[Task]
    next_cursor: str | None


async def authorized_user(
    user_id: str, credentials: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]
) -> str:
    """The subject of the token, if the path names the same user."""
    try:
        claims = jwt.decode(
            credentials.credentials,
            secret,
            algorithms=["HS256"],
            issuer=issuer,
            audience=audience,
            options={"require": ["sub", "exp"]},
        )
    except jwt.InvalidTokenError as error:
        raise HTTPException(401, "token_invalid") from error
    if user_id not in (claims["sub"], "me"):
        raise HTTPException(403, "forbidden")
    return claims["sub"]


User = Annotated[str, Depends(authorized_user)]


@app.get("/api/{user_id}/tasks/{task_id}")
def get_task(user: User, task_id: str) -> Task:
    item = table.get_item(Key={"user_id": user, "task_id": task_id}).get("Item")
    if item is None:
        raise HTTPException(404, "task_not_found")
    return Task.of(item)


@app.get("/api/{user_id}/tasks")
def list_tasks(user: User, cursor: str | None = None) -> Page:
    start = {"ExclusiveStartKey": {"user_id": user, "task_id": cursor}} if cursor else {}
    response = table.query(KeyConditionExpression=Key("user_id").eq(user), ScanIndexForward=False, Limit=PAGE, **start)
    last = response.get("LastEvaluatedKey", {})
    return Page(tasks=[Task.of(item) for item in response["Items"]], next_cursor=last.get("task_id"))


@app.post("/api/{user_id}/tasks", status_code=201)
def create_task(user: User, new: NewTask) -> Task:
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    content = new.model_dump(exclude_none=True)
    item = {
        "user_id": user,
        "task_id": str(uuid7()),
        **content,
        "created_at": now,
        "updated_at": now,
        "version": 1,
    }
    table.put_item(Item=item)
    return Task.of(item)


handler = Mangum(app, lifespan="off")
