// The same job for Node: jose and the AWS SDK v3.

import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand } from "@aws-sdk/lib-dynamodb";
import { jwtVerify } from "jose";
import { v7 } from "uuid";

const PAGE = 50;
const PRIORITIES = ["none", "low", "medium", "high"];

const dynamodb = DynamoDBDocumentClient.from(new DynamoDBClient({}), { marshallOptions: { removeUndefinedValues: true } });
const table = process.env.TASKS_TABLE;
const secret = new TextEncoder().encode(process.env.BETTER_AUTH_SECRET);
const expected = {
  algorithms: ["HS256"],
  issuer: process.env.TOKEN_ISSUER,
  audience: process.env.TOKEN_AUDIENCE,
  requiredClaims: ["sub", "exp"],
};

export async function handler(event) {
  const user = await userOf(event);
  if (user === undefined) return problem(401, "token_invalid");
  const { user_id: owner, task_id: taskId } = event.pathParameters;
  if (owner !== user && owner !== "me") return problem(403, "forbidden");
  switch (event.routeKey) {
    case "GET /api/{user_id}/tasks/{task_id}":
      return get(user, taskId);
    case "GET /api/{user_id}/tasks":
      return list(user, event.queryStringParameters?.cursor);
    case "POST /api/{user_id}/tasks":
      return create(user, event);
    default:
      return problem(404, "not_found");
  }
}

async function userOf(event) {
  const [, token] = /^Bearer (.+)$/.exec(event.headers.authorization ?? "") ?? [];
  if (token === undefined) return undefined;
  try {
    const { payload } = await jwtVerify(token, secret, expected);
    return payload.sub;
  } catch {
    return undefined;
  }
}

async function get(user, taskId) {
  const { Item: item } = await dynamodb.send(
    new GetCommand({ TableName: table, Key: { user_id: user, task_id: taskId } }),
  );
  return item === undefined ? problem(404, "task_not_found") : respond(200, taskOf(item));
}

async function list(user, cursor) {
  const { Items: items, LastEvaluatedKey: last } = await dynamodb.send(
    new QueryCommand({
      TableName: table,
      KeyConditionExpression: "user_id = :user_id",
      ExpressionAttributeValues: { ":user_id": user },
      ExclusiveStartKey: cursor === undefined ? undefined : { user_id: user, task_id: cursor },
      ScanIndexForward: false,
      Limit: PAGE,
    }),
  );
  return respond(200, { tasks: items.map(taskOf), next_cursor: last?.task_id ?? null });
}

async function create(user, event) {
  const text = event.isBase64Encoded ? Buffer.from(event.body, "base64").toString() : event.body;
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    return problem(400, "invalid_json");
  }
  const { title, description, priority = "none", due, tags = [] } = body;
  if (typeof title !== "string" || title.length < 1 || title.length > 200 || !PRIORITIES.includes(priority)) {
    return problem(422, "invalid_field");
  }
  const now = new Date().toISOString();
  const item = {
    user_id: user,
    task_id: v7(),
    title,
    description,
    priority,
    due,
    tags,
    created_at: now,
    updated_at: now,
    version: 1,
  };
  await dynamodb.send(new PutCommand({ TableName: table, Item: item }));
  return respond(201, taskOf(item));
}

function taskOf(item) {
  return {
    id: item.task_id,
    title: item.title,
    description: item.description ?? null,
    completed: item.completed_at !== undefined,
    completed_at: item.completed_at ?? null,
    priority: item.priority,
    due: item.due ?? null,
    tags: item.tags,
    created_at: item.created_at,
    updated_at: item.updated_at,
    version: item.version,
  };
}

function respond(statusCode, body) {
  return { statusCode, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

function problem(status, code) {
  return respond(status, { status, code });
}
