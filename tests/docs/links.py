"""usage: links.py DOCUMENT...     every link to a file of the repository leads to it, and to a heading where it names one"""

import re
import sys
from pathlib import Path


def headings(document):
    """The anchors of a document, as they are made on the sites that show it."""
    text = re.sub(r"(?ms)^```.*?^```$", "", document.read_text())
    for heading in re.findall(r"(?m)^#+ (.+)$", text):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def broken(document):
    text = re.sub(r"(?ms)^```.*?^```$", "", document.read_text())
    for path, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)", text):
        target = document.parent / path if path else document
        if not target.exists():
            yield f"{document}: there is no {path}"
        elif anchor and anchor not in headings(target):
            yield f"{document}: {target} has no heading #{anchor}"


documents = [Path(argument) for argument in sys.argv[1:]]
faults = [fault for document in documents for fault in broken(document)]
if faults:
    sys.exit("\n".join(faults))
print(f"    links of {len(documents)} documents lead somewhere")
