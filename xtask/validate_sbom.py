"""Validates bills of materials against the JSON schema of the CycloneDX version that each one names."""

import json
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator


def main(paths):
    for path in paths:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        version = SchemaVersion.from_version(json.loads(text)["specVersion"])
        error = JsonStrictValidator(version).validate_str(text)
        if error is not None:
            sys.exit(f"{path} is not valid CycloneDX: {str(error).splitlines()[0]}")


if __name__ == "__main__":
    main(sys.argv[1:])
