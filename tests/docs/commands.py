"""usage: commands.py settings DOCUMENT        the settings that its conf blocks name
       commands.py script DOCUMENT HOME     a psql script of every command in it, in order

Commands are blocks of sql and sh, complete statements in `code` within the text, and ExecStart in a block of ini. For what
stands for a reader's own (key_…, $1, /etc/postgresql) KEY, KEY_ID, KEY_HASH, HEAD and HOME are put; a shell block has KEY as its input."""

import os
import re
import shlex
import sys
from pathlib import Path

# `ALTER SYSTEM` and the like name a kind of statement.
STATEMENT = re.compile(r"`(LOAD [^`]+|SELECT [^`]+|(?:ALTER|CREATE|GRANT|REVOKE|UPDATE)(?: [^` …]+){3,})`")


def blocks(document):
    """(language, text) of each fenced block, and ("inline", statement) of each statement between them."""
    language, lines = None, []
    for line in Path(document).read_text().splitlines():
        fence = re.fullmatch(r"```(\w*)", line)
        if fence and language is None:
            language, lines = fence[1], []
        elif fence:
            yield language, "\n".join(lines)
            language = None
        elif language is not None:
            lines.append(line)
        else:
            yield from (("inline", statement) for statement in STATEMENT.findall(line))


def filled(text, home):
    """The text with a reader's own names."""
    names = {"key_…": "{KEY_ID}", "decode('…', 'hex')": "decode('{KEY_HASH}', 'hex')", "517e9408…": "{HEAD}", "$1": "'{KEY}'"}
    for placeholder, value in names.items():
        text = text.replace(placeholder, value.format_map(os.environ))
    if "…" in text:
        sys.exit(f"nothing is known to put for … in: {text}")
    return text.replace("/etc/postgresql", f"{home}/etc")


def shell(text, home):
    """A block as a line of psql; its name is put down if it fails."""
    number = len(list(Path(home).glob("*.sh")))
    file = Path(home) / f"{number}.sh"
    file.write_text(f"set -euo pipefail\n{text}\n")
    first = shlex.quote(text.splitlines()[0])
    return f'\\! printf "%s\\\\n" "$KEY" | bash {file} || printf "%s\\\\n" {first} >>{home}/failed'


def script(document, home):
    for language, text in blocks(document):
        if language == "sql":
            yield filled(text, home)
        elif language == "inline":
            yield filled(text.rstrip(";"), home) + ";"
        elif language == "sh":
            yield shell(filled(text, home), home)
        elif language == "ini":
            unit = dict(re.findall(r"(?m)^(User|ExecStart)=(.+)$", text))
            yield shell(f"export PGUSER={unit['User']}\n{filled(unit['ExecStart'], home)}", home)
        elif language not in ("conf", "text"):
            sys.exit(f"{document}: what is a block of {language or 'no language'}?")


def settings(document):
    return (text for language, text in blocks(document) if language == "conf")


def main(what, document, *home):
    if what == "settings":
        print("\n".join(settings(document)))
    else:
        print("\n".join(f"-- command\n{command}" for command in script(document, *home)))


main(*sys.argv[1:])
