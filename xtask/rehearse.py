"""Creates, updates, and deletes the expanded template in moto, which emulates AWS in this process, and tries the role of
each function: it may do what its statements allow, and nothing of what only other functions may do.

The parameters are those of samconfig.toml. docs/deploy.md lists what this cannot show."""

import ast
import io
import json
import sys
import warnings
import zipfile

import boto3
import moto.dynamodb.responses
import moto.logs.responses
import tomlkit
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID, set_initial_no_auth_action_count
from samcli.yamlhelper import yaml_parse

REGION = "eu-central-1"
STACK = "rehearsal"
# What is optional is part of the rehearsal.
OPTIONAL = {"KeyArn": f"arn:aws:kms:{REGION}:{DEFAULT_ACCOUNT_ID}:key/rehearsal", "AccessSwitch": "on"}
# What moto's CloudFormation creates. The rest, and what refers to it, is left out.
EMULATED = {
    "AWS::DynamoDB::Table",
    "AWS::IAM::Role",
    "AWS::Lambda::Function",
    "AWS::Lambda::Version",
    "AWS::Logs::LogGroup",
    "AWS::SNS::Topic",
}
# The services whose requests are tried.
TRIED = ("dynamodb:", "logs:")


def resource_of_dynamodb(response):
    """The resource of a request. moto compares the resources of a role with it, or else with `*`."""
    table, index = response.body.get("TableName"), response.body.get("IndexName")
    table = table or next(iter(response.body.get("RequestItems", [None])))
    arn = f"arn:aws:dynamodb:{REGION}:{DEFAULT_ACCOUNT_ID}:table/{table}"
    return f"{arn}/index/{index}" if index else arn


def resource_of_logs(response):
    """The same for logs. In moto, the ARN of a log group lacks the `:*` at its end."""
    return f"arn:aws:logs:{REGION}:{DEFAULT_ACCOUNT_ID}:log-group:{json.loads(response.body)['logGroupName']}"


moto.dynamodb.responses.DynamoHandler._determine_resource = resource_of_dynamodb
moto.logs.responses.LogsResponse._determine_resource = resource_of_logs


def client(service, keys=None):
    keys = keys or {"AccessKeyId": "x", "SecretAccessKey": "x", "SessionToken": None}
    return boto3.client(
        service,
        REGION,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
    )


def deploy(change, template, parameters):
    """Creates or updates the stack. Returns the physical ids of its resources by their logical ids."""
    given = [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]
    change(StackName=STACK, TemplateBody=json.dumps(template), Parameters=given, Capabilities=["CAPABILITY_IAM"])
    pages = client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=STACK)
    found = [resource for page in pages for resource in page["StackResourceSummaries"]]
    created = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in found}
    assert created.keys() == template["Resources"].keys(), created.keys() ^ template["Resources"].keys()
    return created


def parameters_of(stage, template):
    """The parameters that a stage of samconfig.toml sets: all that the template requires, and none that it does not have."""
    with open("samconfig.toml", encoding="utf-8") as file:
        stages = tomlkit.load(file)
    parameters = dict(pair.split("=", 1) for pair in stages[stage]["deploy"]["parameters"]["parameter_overrides"])
    required = {name for name, parameter in template["Parameters"].items() if "Default" not in parameter}
    assert required <= parameters.keys() <= template["Parameters"].keys(), f"parameters of {stage} in samconfig.toml"
    return parameters


def of_type(template, kind):
    return [name for name, resource in template["Resources"].items() if resource["Type"] == kind]


def statements(role):
    """What the policies of a role allow: pairs of an action and a resource."""
    iam = client("iam")
    allowed = set()
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        # moto's CloudFormation writes a policy in Python's syntax, which its own checks cannot read, and an empty statement
        # where a condition does not hold.
        document = ast.literal_eval(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
        document["Statement"] = [statement for statement in document["Statement"] if statement]
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))
        for statement in document["Statement"]:
            resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
            allowed.update((statement["Action"], resource) for resource in resources)
    return allowed


def is_allowed(keys, action, resource):
    """Makes the request with the keys of a role."""
    service, operation = action.split(":")
    to = client(service, keys)
    if service == "dynamodb":
        table, _, index = resource.split(":table/")[1].partition("/index/")
        values = {"TableName": table, "Key": {}, "Item": {}, "RequestItems": {table: []}}
        values |= {"IndexName": index} if index else {}
    else:
        values = {"logGroupName": resource.split(":log-group:")[1], "logStreamName": "x", "logEvents": []}
    members = to.meta.service_model.operation_model(operation).input_shape.members
    try:
        to._make_api_call(operation, {name: value for name, value in values.items() if name in members})
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"] != 403
    return True


def try_roles(roles):
    """Every role tries everything that any of them may do."""
    sts = client("sts")
    arn = f"arn:aws:iam::{DEFAULT_ACCOUNT_ID}:role"
    keys = {role: sts.assume_role(RoleArn=f"{arn}/{role}", RoleSessionName=STACK)["Credentials"] for role in roles}
    allowed = {role: statements(role) for role in roles}
    attempts = sorted({attempt for pairs in allowed.values() for attempt in pairs if attempt[0].startswith(TRIED)})

    @set_initial_no_auth_action_count(0)
    def enforced():
        for role in roles:
            for attempt in attempts:
                assert is_allowed(keys[role], *attempt) == (attempt in allowed[role]), (role, attempt)

    enforced()
    return len(roles) * len(attempts)


@mock_aws
def main(path):
    with open("edge.yaml", encoding="utf-8") as file:
        parameters_of("production-edge", yaml_parse(file.read()))
    with open(path, encoding="utf-8") as file:
        template = json.load(file)
    resources = {name: it for name, it in template["Resources"].items() if it["Type"] in EMULATED}
    template = template | {"Resources": resources, "Outputs": {}}

    archive = io.BytesIO()
    zipfile.ZipFile(archive, "w").close()
    s3, cloudformation, functions = client("s3"), client("cloudformation"), client("lambda")
    s3.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="bucket", Key="key", Body=archive.getvalue())

    staging, production = (parameters_of(stage, template) | OPTIONAL for stage in ("staging", "production"))
    # moto cannot change a log group.
    production.pop("LogRetentionDays")
    deploy(cloudformation.create_stack, template, staging)
    created = deploy(cloudformation.update_stack, template, production)
    for name in of_type(template, "AWS::Lambda::Function"):
        memory = functions.get_function_configuration(FunctionName=created[name])["MemorySize"]
        assert memory == int(production["MemorySize"]), f"{name} has {memory} MB after the update"
    roles = [created[name] for name in of_type(template, "AWS::IAM::Role") if name != "DeploymentRole"]
    tried = try_roles(roles)

    cloudformation.delete_stack(StackName=STACK)
    kept = {created[name] for name in of_type(template, "AWS::DynamoDB::Table") if resources[name]["DeletionPolicy"] == "Retain"}
    tables = client("dynamodb").list_tables()["TableNames"]
    assert set(tables) == kept, f"tables that outlive their stack: {tables}"
    print(f"Created, updated, and deleted {len(resources)} resources. {len(roles)} roles were tried {tried} times.")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1])
