"""usage: check.py PROGRAM
What the linters of tests/deploy/run don't know: whether the files of deploy/ fit the rest of the repository, and the
settings of PROGRAM, the built server. Prints what does not, and fails."""

import re
import subprocess
import sys
import tomllib
from io import BytesIO
from pathlib import Path

from dockerfile_parse import DockerfileParser
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
# Their entry points drop root themselves.
BASES_THAT_DROP_ROOT = ("postgres:",)
MADE_BY_THE_USER = {"deploy/master.key"}


# ---- Dockerfiles ----------------------------------------------------------------------------------------------------


def stages(dockerfile):
    """The instructions of each stage, by what it is built FROM."""
    parser = DockerfileParser(fileobj=BytesIO(dockerfile.read_bytes()))
    found = []
    for instruction in parser.structure:
        if instruction["instruction"] == "FROM":
            found.append((instruction["value"], []))
        elif found:
            found[-1][1].append(instruction)
    return found


def arguments_of(instructions, name):
    return [instruction["value"] for instruction in instructions if instruction["instruction"] == name]


def copied(dockerfile):
    """The sources of every COPY from the build context."""
    for _, instructions in stages(dockerfile):
        for value in arguments_of(instructions, "COPY"):
            if not value.startswith("--from="):
                yield from value.split()[:-1]


def in_context():
    """What .dockerignore lets through: it refuses everything and then names exceptions."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    if lines[0] != "*" or any(line[0] != "!" for line in lines[1:]):
        sys.exit(".dockerignore is more than '*' and exceptions; teach this check to read it")
    return {line[1:] for line in lines[1:]}


def check_sources(dockerfile):
    context = in_context()
    for source in copied(dockerfile):
        if not (ROOT / source).exists():
            yield f"copies {source}, which does not exist"
        if source not in context:
            yield f"copies {source}, which .dockerignore leaves out"


def check_members(dockerfile):
    """Cargo reads the manifest of every member of the workspace, whatever it builds."""
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())
    there = list(copied(dockerfile))
    for member in manifest["workspace"]["members"]:
        if not any(member == source or member.startswith(source + "/") for source in there):
            yield f"does not copy {member}, a member of the workspace"


def check_user(dockerfile):
    base, instructions = stages(dockerfile)[-1]
    users = arguments_of(instructions, "USER")
    if base.startswith(BASES_THAT_DROP_ROOT):
        return
    # Numeric, so that Kubernetes' runAsNonRoot can tell.
    if not users or not re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1]):
        yield f"runs as {users[-1] if users else 'root'}; USER must be two numbers, neither 0"


def check_start(dockerfile):
    _, instructions = stages(dockerfile)[-1]
    starts = arguments_of(instructions, "ENTRYPOINT") + arguments_of(instructions, "CMD")
    if not starts or any(not value.startswith("[") for value in starts):
        yield "must start its program in exec form"


def check_rust(dockerfile):
    wanted = re.search(r'^rust-version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.M).group(1)
    for version in re.findall(r"(?:rust:|RUST=)(\d[\d.]*)", dockerfile.read_text()):
        if version != wanted:
            yield f"builds with Rust {version}; Cargo.toml says {wanted}"


def check_dockerfile(dockerfile):
    for check in (check_sources, check_members, check_user, check_start, check_rust):
        for text in check(dockerfile):
            yield f"{dockerfile.name} {text}"


def check_sources_of_program(program):
    """Everything the program was built from is in the image that builds it."""
    sources = tuple(f"{ROOT / source}" for source in copied(DEPLOY / "Dockerfile.server"))
    for file in Path(f"{program}.d").read_text().split(": ", 1)[1].split():
        if file.startswith(str(ROOT)) and not file.startswith(sources):
            yield f"Dockerfile.server does not copy {Path(file).relative_to(ROOT)}"


# ---- compose.yaml ---------------------------------------------------------------------------------------------------


def check_compose():
    text = (DEPLOY / "compose.yaml").read_text()
    compose = YAML(typ="safe").load(text)
    for name, service in compose["services"].items():
        for text_of_problem in check_service(service):
            yield f"compose.yaml: {name} {text_of_problem}"
    for secret in compose["secrets"].values():
        yield from check_file(secret["file"])
    yield from differences("a variable", set(re.findall(r"\$\{(\w+)", text)), "compose.yaml",
                           settings_in("compose.env.example"), "compose.env.example")


def check_service(service):
    for port in service.get("ports", []):
        if not port.startswith("127.0.0.1:"):
            yield f"listens on {port}, more than this machine"
    if "memory" not in service.get("deploy", {}).get("resources", {}).get("limits", {}):
        yield "has no limit of memory"
    for volume in service.get("volumes", []):
        if volume.startswith("."):
            yield from check_file(volume.split(":")[0])
    if "build" in service and not (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).exists():
        yield f"is built from {service['build']['dockerfile']}, which does not exist"


def check_file(name):
    path = (DEPLOY / name).resolve().relative_to(ROOT)
    if str(path) not in MADE_BY_THE_USER and not (ROOT / path).exists():
        yield f"mounts {path}, which does not exist"


# ---- settings -------------------------------------------------------------------------------------------------------


def settings_in(name):
    """The variables that an example of an environment file names, whether commented out or not."""
    return set(re.findall(r"^#?([A-Z_]+)=", (DEPLOY / name).read_text(), re.M))


def settings_of(program):
    """The variables that the program reads, with their defaults (None without one)."""
    text = subprocess.run([program, "--help"], check=True, capture_output=True, text=True, env={}).stdout
    options = re.split(r"^ +(?:-\w, )?--", text, flags=re.M)
    found = {}
    for option in options:
        variable = re.search(r"\[env: (\w+)", option)
        default = re.search(r"\[default: (.*?)\]", option, re.S)
        if variable:
            found[variable.group(1)] = default and default.group(1)
    return found


def check_settings(program):
    known = settings_of(program)
    yield from differences("a setting", settings_in("unkey-http.env.example"), "unkey-http.env.example",
                           set(known), "unkey-http --help")
    for file in DEPLOY.iterdir():
        for name in set(re.findall(r"\bUNKEY_[A-Z_]+\b", file.read_text())) - set(known):
            yield f"{file.name} names {name}, which unkey-http --help does not"
    for name, value in re.findall(r"^#(UNKEY_\w+)=(.*)$", (DEPLOY / "unkey-http.env.example").read_text(), re.M):
        if value != (known.get(name) or ""):
            yield f"unkey-http.env.example shows {name}={value}; the default is {known.get(name)}"


def differences(what, some, where, others, elsewhere):
    for name in sorted(some - others):
        yield f"{name} is {what} in {where} and not in {elsewhere}"
    for name in sorted(others - some):
        yield f"{name} is {what} in {elsewhere} and not in {where}"


def main(program):
    problems = [text for dockerfile in sorted(DEPLOY.glob("Dockerfile.*")) for text in check_dockerfile(dockerfile)]
    problems += [*check_sources_of_program(program), *check_compose(), *check_settings(program)]
    print("\n".join(problems) or f"deploy/ fits the repository and the settings of {Path(program).name}")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main(sys.argv[1])
