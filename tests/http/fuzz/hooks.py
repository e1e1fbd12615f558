"""For the fuzzer: what JSON Schema can't say about a body, and a check of our own."""

import ipaddress
import re

import requests
import schemathesis
from hypothesis import strategies as st

SLUG = st.from_regex(r"\A[a-z][a-z0-9._-]{0,10}\Z")


# ---- values of our own formats ------------------------------------------------------------------------------------


def permission_query():
    """Slugs joined by AND and OR, with parentheses."""

    def grouped(inner):
        return st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda parts: f"({' '.join(parts)})")

    return st.recursive(SLUG, grouped, max_leaves=5)


def ip_network():
    """Addresses and CIDR ranges of both versions."""
    v4 = st.tuples(st.ip_addresses(v=4), st.integers(0, 32)).map(lambda pair: f"{pair[0]}/{pair[1]}")
    v6 = st.tuples(st.ip_addresses(v=6), st.integers(0, 128)).map(lambda pair: f"{pair[0]}/{pair[1]}")
    return st.one_of(v4, v6, st.ip_addresses().map(str))


def key_cursor():
    """Some instant in microseconds, and the id of a key."""
    return st.tuples(st.integers(0, 4102444800000000), SLUG).map(lambda pair: f"{pair[0]}:{pair[1]}")


QUERIES = {
    "analytics.getVerifications": [
        "SELECT COUNT(*) AS n FROM key_verifications_v1",
        "SELECT outcome, SUM(count) AS n FROM key_verifications_per_day_v1 GROUP BY outcome ORDER BY n DESC LIMIT 10",
        "SELECT time, key_id FROM key_verifications_v1 WHERE time >= now() - INTERVAL 1 DAY",
    ],
    "analytics.getRatelimits": [
        "SELECT COUNT(*) AS n FROM ratelimits_v1",
        "SELECT identifier, passed FROM ratelimits_v1 LIMIT 10",
        "SELECT namespace_id, SUM(total) AS n FROM ratelimits_per_day_v1 GROUP BY namespace_id",
    ],
}

schemathesis.openapi.format("permission-query", permission_query())
schemathesis.openapi.format("ip-network", ip_network())
schemathesis.openapi.format("key-cursor", key_cursor())
schemathesis.openapi.format("analytics-query", st.sampled_from(QUERIES["analytics.getVerifications"]))


# ---- what setup.sql has made --------------------------------------------------------------------------------------

MADE = {
    "apiId": "api_fuzz_{}",
    "keyId": "key_fuzz_{}",
    "key": "fuzz_{}",
    "identity": "fuzz_{}",
    "externalId": "fuzz_{}",
    "permission": "fuzz_{}",
    "role": "fuzz_{}",
    "roleId": "role_fuzz_{}",
    "namespace": "fuzz_{}",
    "identifier": "fuzz_{}",
}
NUMBERS = st.integers(0, 99)


@schemathesis.hook
def flatmap_body(context, body):
    """Every other body is about what exists."""
    names = [name for name in MADE if isinstance(body, dict) and isinstance(body.get(name), str)]
    if not names:
        return st.just(body)
    root_key = "/rootKeys." in context.operation.path

    def about(number):
        made = {name: ("root_fuzz_{}" if root_key else MADE[name]).format(number) for name in names}
        return made if root_key or not body.get("roles") else {**made, "roles": [f"fuzz_{number}"]}

    return st.one_of(st.just(body), NUMBERS.map(lambda number: {**body, **about(number)}))


# ---- bodies that would be refused for what their schema can't say -------------------------------------------------


def whole(value):
    """1.0 is an integer to JSON Schema. Here an integer is written without a fraction."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, list):
        return [whole(entry) for entry in value]
    if isinstance(value, dict):
        return {name: whole(member) for name, member in value.items()}
    return value


def is_network(text):
    try:
        ipaddress.ip_network(text, strict=False)
        return True
    except ValueError:
        return False


def mend(operation, value):
    """Repairs a body that its schema allows, in place: the fuzzer takes any text to be of a format that it does not know."""
    if isinstance(value, list):
        seen = set()
        for at, entry in enumerate(value):
            mend(operation, entry)
            # Limits of one list have different names.
            if isinstance(entry, dict) and isinstance(entry.get("name"), str):
                if entry["name"] in seen:
                    entry["name"] = f"{entry['name'][:100]}~{at}"
                seen.add(entry["name"])
    elif isinstance(value, dict):
        for member in value.values():
            mend(operation, member)
        if isinstance(value.get("ipWhitelist"), list):
            value["ipWhitelist"] = [text if is_network(text) else "10.0.0.0/8" for text in value["ipWhitelist"]]
        if operation in QUERIES and value.get("query") not in QUERIES[operation]:
            value["query"] = QUERIES[operation][len(value["query"]) % 3]
        if operation == "apis.listKeys" and not re.fullmatch(r"[0-9]{1,16}:.*", value.get("cursor", "0:")):
            value["cursor"] = "0:key"
        # Whether an API has the key format checksum, which wants these, is not in the body.
        if operation in ("apis.createApi", "apis.updateApi", "keys.createKey"):
            for name in value.keys() & {"prefix", "defaultPrefix"}:
                value[name] = value[name] and (value[name].rstrip("_") or "a")
            for name in value.keys() & {"byteLength", "defaultBytes"}:
                value[name] = value[name] and min(value[name], 32)
        if operation == "keys.verifyKey" and not re.fullmatch(r"[a-z0-9._()ANDOR -]+", value.get("permissions", "x")):
            value["permissions"] = "fuzz.read"
        # A limit that a verification names must be one of the key, or be given whole.
        if operation == "keys.verifyKey" and "name" in value:
            value.update({name: value.get(name) or 1000 for name in ("limit", "duration")})


@schemathesis.hook
def before_call(context, case, kwargs):
    case.body = whole(case.body)
    if case.meta is not None and case.meta.generation.mode.is_positive:
        mend(case.path.rpartition("/")[2], case.body)


# ---- checks -------------------------------------------------------------------------------------------------------

AUTHENTICATED = set()


@schemathesis.check
def root_key_is_needed(context, response, case):
    """What succeeded is refused without a root key (400, as Unkey does) and with a wrong one (401). Once per operation."""
    operation = case.operation.label
    if response.status_code != 200 or "/v2/" not in case.path or "liveness" in case.path or operation in AUTHENTICATED:
        return
    AUTHENTICATED.add(operation)
    for status, headers in [(400, {}), (401, {"Authorization": "Bearer unkey_wrong"})]:
        again = requests.post(response.request.url, data=response.request.body, headers=headers, timeout=30)
        assert again.status_code == status, f"{operation} answers {again.status_code} instead of {status} to {list(headers) or 'nobody'}"
