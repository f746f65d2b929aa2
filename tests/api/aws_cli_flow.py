"""The commands of the AWS CLI given as JSON on standard input, one after another in one process; run by its Python.

Prints what each has printed and its exit code, as JSON.
"""

import contextlib
import io
import json
import sys

from awscli.clidriver import create_clidriver  # type: ignore[import-not-found] # lies in an environment of its own

said = []
for arguments in json.load(sys.stdin):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = create_clidriver().main(["bedrock", *arguments, "--output", "json"])
    said.append([code, json.loads(out.getvalue() or "null"), err.getvalue()])
print(json.dumps(said))
