"""Prints template.yaml as CloudFormation sees it, so that the linter sees the roles and routes which SAM makes of it."""

import json
import os
import sys

from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform


class NoManagedPolicies:
    """The template names no managed policy; looking them up would need an AWS account."""

    def load(self):
        return {}


def main(path):
    # The translator asks for a region; which one makes no difference to the linter.
    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")
    with open(path, encoding="utf-8") as file:
        template = yaml_parse(file.read())
    # It also wants code that is uploaded already.
    template["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"
    json.dump(transform(template, {}, NoManagedPolicies()), sys.stdout, indent=2)


if __name__ == "__main__":
    main(sys.argv[1])
