"""usage: search.py known KEYS PATH...     files below PATH with ten characters or more of what is secret of a text in KEYS
          search.py stored DATA PATH...    files below PATH with a text whose SHA-256 is stored in the data directory DATA
Prints where, and fails if there is any. The first needs the texts, and finds parts of them and other spellings. The second knows every
key that was ever stored there, rolled back and deleted ones too, as long as nothing has been vacuumed and no WAL removed."""

import base64
import hashlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

# Fewest characters that count, and those of the random part that `start` shows to everybody.
LENGTH, SHOWN = 10, 4
# Of the connection of the HTTP server (tests/http/run).
PASSWORD = b"never-to-be-shown"


def files(paths):
    for path in map(Path, paths):
        yield from (file for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file() and file.name != "master.key")


# ---- texts that are known ---------------------------------------------------------------------------------------

def spellings(text):
    """Every part of a text that tells more than its start does, each as it may be spelt."""
    secret = text[text.rfind("_") + 1 + SHOWN:].encode()
    for at in range(len(secret) - LENGTH + 1):
        part = secret[at:at + LENGTH]
        yield from (part, part.hex().encode(), part.hex().upper().encode())
        yield b" ".join(b"%d" % byte for byte in part)  # as plans are logged
        yield base64.b64encode(part[:9])  # one of three parts begins where base64 does


def grep(patterns, searched):
    """File, place and text of each occurrence of a pattern."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\n".join(patterns))
        file.flush()
        options = ["--text", "--only-matching", "--byte-offset", "--with-filename", "--fixed-strings", f"--file={file.name}"]
        done = subprocess.run(["xargs", "-0", "grep", *options], input=b"\0".join(str(path).encode() for path in searched),
                              capture_output=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})
    if done.stderr:
        sys.exit(done.stderr.decode())
    hits = [line.rsplit(":", 2) for line in done.stdout.decode().splitlines()]
    return [(name, int(at), part) for name, at, part in hits]


def known(keys, paths):
    texts, searched = Path(keys).read_text().split(), list(files(paths))
    megabytes = sum(path.stat().st_size for path in searched) >> 20
    print(f"{len(texts)} keys in {len(searched)} files of {megabytes} MB")
    return grep({spelling for text in texts for spelling in spellings(text)}, searched)


# ---- texts whose hash is stored ---------------------------------------------------------------------------------

# What a key may consist of; 16 characters are the shortest.
WORD = re.compile(rb"[0-9A-Za-z_]{16,}")
# A value of 32 bytes, with the byte for its length before it.
DIGEST = re.compile(rb"(?=\x43(.{32}))", re.DOTALL)
# Bytes beside a text that may look like more of it: the length of this column or the next.
SLACK = 3
# A statement in a function of a client, quoted to show where an error came from. Statements of the extension have keys as parameters only.
STATEMENT = re.compile(rb'SQL statement ".*?"$', re.DOTALL | re.MULTILINE)


def digests(data):
    return {match[1] for file in files([data]) for match in DIGEST.finditer(file.read_bytes())}


def within(word):
    """What of a word may be a key."""
    for begin in range(SLACK):
        for end in range(len(word) - SLACK, len(word) + 1):
            yield word[begin:end]


def words(path):
    """The words of a file, and where they stand."""
    content = STATEMENT.sub(lambda match: b" " * len(match[0]), path.read_bytes())
    yield from ((PASSWORD, match.start()) for match in re.finditer(PASSWORD, content))
    yield from ((match[0], match.start()) for match in WORD.finditer(content))


def stored(data, paths):
    hashes, seen, searched = digests(data), {}, list(files(paths))
    for path in searched:
        for word, at in words(path):
            seen.setdefault(word, (str(path), at))
    print(f"{len(seen)} words in {len(searched)} files, {len(hashes)} values that may be hashes")
    return [(*place, text.decode()) for word, place in seen.items() for text in within(word)
            if text == PASSWORD or hashlib.sha256(text).digest() in hashes]


# ---- what was found ---------------------------------------------------------------------------------------------

def context(name, at):
    with open(name, "rb") as file:
        file.seek(max(0, at - 200))
        return file.read(300).decode(errors="replace")


def main(way, *arguments):
    hits = {"known": known, "stored": stored}[way](arguments[0], arguments[1:])
    for name, at, part in hits[:20]:
        print(f"{name}, byte {at}: {part}\n{context(name, at)}\n----", file=sys.stderr)
    if hits:
        sys.exit(f"{len(hits)} places show a key")


if __name__ == "__main__":
    main(*sys.argv[1:])
