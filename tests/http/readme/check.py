"""Runs the sh, ts and python blocks of a document that are followed by what they print, each with a key of its own.

usage: check.py DOCUMENT NODE_MODULES PYTHON

A block `json` is compared as JSON, a block `output` as text; ids, which differ from run to run, count as equal.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.request import Request, urlopen

LINES = r"((?:(?!```).*\n)+)"
FENCED = re.compile(rf"^```(sh|ts|python)\n{LINES}```\n+```(json|output)\n{LINES}```$", re.MULTILINE)
ID = re.compile(r"\b(req|key|ks|api|id|perm|role)_[0-9A-Za-z]{10,}\b")


def unkey(operation, **body):
    headers = {"Authorization": f"Bearer {os.environ['UNKEY_ROOT_KEY']}"}
    request = Request(f"{os.environ['UNKEY_URL']}/v2/{operation}", json.dumps(body).encode(), headers)
    with urlopen(request, timeout=30) as reply:
        return json.load(reply)["data"]


def new_key():
    """The key that the document speaks of."""
    api_id = unkey("apis.createApi", name="readme")["apiId"]
    fields = {"externalId": "customer_17", "credits": {"remaining": 1000}, "permissions": ["invoices.read"]}
    return unkey("keys.createKey", apiId=api_id, prefix="pay", **fields)["key"]


def commands(language, directory, python):
    """How a block of this language, in the file `block.LANGUAGE` of the directory, is run."""
    if language == "sh":
        return [["bash", "-euo", "pipefail", "block.sh"]]
    if language == "python":
        return [[python, "-B", "block.python"]]
    compiler = str(directory / "node_modules/.bin/tsc")
    options = ["--strict", "--skipLibCheck", "--target", "es2022", "--module", "nodenext", "--types", "node"]
    return [[compiler, *options, "block.ts"], ["node", "block.js"]]


def run(language, code, node_modules, python):
    """What the block prints."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / f"block.{language}").write_text(code)
        (directory / "package.json").write_text('{"type": "module"}')
        (directory / "node_modules").symlink_to(node_modules)
        environment = {**os.environ, "KEY": new_key()}
        for command in commands(language, directory, python):
            done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, timeout=120)
            if done.returncode:
                sys.exit(f"this block fails:\n{code}\n{done.stdout}{done.stderr}")
        return done.stdout


def normal(kind, text):
    text = ID.sub(r"\1_", text.strip())
    return json.loads(text) if kind == "json" else text


def main(document, node_modules, python):
    blocks = FENCED.findall(Path(document).read_text())
    if {language for language, *_ in blocks} != {"sh", "ts", "python"}:
        sys.exit(f"{document} lacks a block in one of the languages")
    for language, code, kind, expected in blocks:
        printed = run(language, code, Path(node_modules).resolve(), python)
        if normal(kind, printed) != normal(kind, expected):
            sys.exit(f"this block prints something else:\n{code}\nprinted:  {printed}\npromised: {expected}")
    print(f"    {len(blocks)} blocks of {Path(document).name} ran and print what it says")


main(*sys.argv[1:])
