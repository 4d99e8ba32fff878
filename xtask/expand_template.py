"""Prints template.yaml as SAM expands it for CloudFormation, so that the linter sees the generated roles and routes."""

import json
import logging
import os
import sys

from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform


class NoManagedPolicies:
    """The template uses no managed policies, and looking them up would require an AWS account."""

    def load(self):
        return {}


def main(path):
    # The translator warns that it cannot reach its own settings at AWS.
    logging.disable(logging.WARNING)
    # It requires a region; any will do for the linter.
    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")
    with open(path, encoding="utf-8") as file:
        template = yaml_parse(file.read())
    # It also requires that code and nested templates are uploaded already.
    template["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::CloudFormation::Stack":
            resource["Properties"]["TemplateURL"] = "https://bucket.s3.amazonaws.com/key"
    json.dump(transform(template, {}, NoManagedPolicies()), sys.stdout, indent=2)


if __name__ == "__main__":
    main(sys.argv[1])
