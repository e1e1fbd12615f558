"""The rules of unkey_scanner_rules: each finds the keys of its API, whole, wherever they stand, and little else."""

import math
import os
import subprocess

import pytest
import re2
import tomli
import yaml

URL = "https://keys.example/leaked?a=1&b='\"x"


def rows(statement, **values):
    flags = [flag for name, value in values.items() for flag in ("-v", f"{name}={value}")]
    done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", *flags, os.environ["DATABASE_URL"]],
                          input=statement, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout.strip("\n").split("\n")


def rules(tool, *url):
    return "\n".join(rows("SELECT unkey_scanner_rules(:'tool'" + ", :'url'" * len(url) + ")", tool=tool, url=(url or [""])[0]))


APIS = dict(row.split("|") for row in rows("SELECT name, api_id FROM unkey_list_apis()"))
GITLEAKS = {rule["id"]: rule for rule in tomli.loads(rules("gitleaks"))["rules"]}
TRUFFLEHOG = {rule["name"]: rule for rule in yaml.safe_load(rules("trufflehog", URL))["detectors"]}


def keys(api, count=200, **arguments):
    """New keys of an API."""
    more = "".join(f", {name} => :'{name}'" for name in arguments)
    return rows(f"SELECT key FROM generate_series(1, {count}) AS n, unkey_create_key(:'api', name => 'n' || n{more})", api=APIS[api], **arguments)


def entropy(text):
    """Bits per character, by Shannon."""
    return -sum(text.count(c) / len(text) * math.log2(text.count(c) / len(text)) for c in set(text))


def found(rule, text):
    """What gitleaks would report: it looks for keywords first, whatever their case, and holds the secret to the entropy."""
    if not any(keyword.lower() in text.lower() for keyword in rule["keywords"]):
        return []
    secrets = [match.group(rule["secretGroup"]) for match in re2.finditer(rule["regex"], text)]
    return [secret for secret in secrets if entropy(secret) > rule["entropy"]]


def rule_of(api):
    return GITLEAKS[f"unkey-{APIS[api]}"]


AROUND = ["{}", "API_KEY={}", '{{"key":"{}"}}', "https://x.example/?k={}&y", "%22{}%22", "\"\\n{}\\n\"", "X_{}", "see {}.", "{}\n{}", "word{}", "{}_old"]
MADE = [("payments", {}), ("payments", {"prefix": "live_4"}), ("payments", {"byte_length": 255}), ("Odd.name_-1", {}), ("sealed", {}),
        ("sealed", {"prefix": "sl2"}), ("bare-sealed", {}), ("many", {"prefix": "c042"})]


@pytest.mark.parametrize("api, arguments", MADE)
def test_keys_are_found(api, arguments):
    rule = rule_of(api)
    for key in keys(api, **arguments):
        for around in AROUND:
            assert found(rule, around.format(key, key)) == [key] * around.count("{}"), around


@pytest.mark.parametrize("api, key", [
    ("payments", "pay_" + "x" * 17), ("payments", "pay_" + "a" * 40), ("payments", "pay_SomeIdentifierWithLettersThatBase58Lacks0OIl"),
    ("payments", "paying_YcVfxkQb6JRzqk5kF2tNLv"), ("payments", "pay-YcVfxkQb6JRzqk5kF2tNLv"), ("payments", "YcVfxkQb6JRzqk5kF2tNLv"),
    ("sealed", "sl_YcVfxkQb6JRzqk5kF2tNLv"), ("sealed", "sl_111thX6unkeyv1ZfHDZZKUs92febYZhYRcXddmzfzF2NvTkPNE18n8B8"),
    ("sealed", "sl_111thX6Lunkeyv2ZfHDZZKUs92febYZhYRcXddmzfzF2NvTkPNE18n8B8"), ("sealed", "sl_111thX6Lunkeyv1ZfHDZZKUs92febYZhYRcXddmzfzF2NvTkPNE18n8B"),
    ("sealed", "sl_111thX60unkeyv1ZfHDZZKUs92febYZhYRcXddmzfzF2NvTkPNE18n8B8")])
def test_near_misses_are_not(api, key):
    assert found(rule_of(api), f"key = '{key}'") == []


def test_root_keys_are_found():
    key, = rows("SELECT key FROM unkey_create_root_key()")
    assert found(GITLEAKS["unkey-root-key"], f"UNKEY_ROOT_KEY={key}\n") == [key]


def test_every_api_has_a_rule_or_is_told_of():
    expected = {f"unkey-{api_id}" for name, api_id in APIS.items() if name != "bare"} | {"unkey-root-key"}
    assert GITLEAKS.keys() == TRUFFLEHOG.keys() == expected
    for text in rules("gitleaks"), rules("trufflehog"):
        assert f'# API "bare" ({APIS["bare"]}): its keys have no prefix to be told by.' in text
        assert "# 50 of its prefixes are left out." in text
    assert rule_of("Odd.name_-1")["description"] == f"Key of the API Odd.name_-1 ({APIS['Odd.name_-1']})"
    assert tomli.loads(rules("gitleaks"))["extend"] == {"useDefault": True}


def test_both_tools_get_the_same():
    for name, rule in GITLEAKS.items():
        other = TRUFFLEHOG[name]
        assert (other["regex"], other["keywords"], other["entropy"]) == ({"key": rule["regex"]}, rule["keywords"], rule["entropy"])
        assert other["verify"] == [{"endpoint": URL, "unsafe": False}]
        # As trufflehog does, too: a pattern has a group, and a name nothing that its output would break at.
        assert re2.compile(rule["regex"]).groups == 1 and name.isascii() and name.isprintable()
    plain = yaml.safe_load(rules("trufflehog", "http://127.0.0.1:1/"))["detectors"]
    assert {rule["verify"][0]["unsafe"] for rule in plain} == {True}
    assert all("verify" not in rule for rule in yaml.safe_load(rules("trufflehog"))["detectors"])


@pytest.mark.parametrize("tool, url, message", [
    ("noseyparker", [], "tool must be 'gitleaks' or 'trufflehog'"), ("gitleaks", [URL], "verify_url is for trufflehog only"),
    ("trufflehog", ["ftp://x"], "verify_url must be an address"), ("trufflehog", ["https://"], "verify_url must be an address"),
    ("trufflehog", ["https://a b"], "verify_url must be an address"), ("trufflehog", ["https://a\nb"], "verify_url must be an address"),
    ("trufflehog", [""], "verify_url must have 1 to 2048 characters"), ("trufflehog", ["https://" + "a" * 2048], "verify_url must have")])
def test_what_is_refused(tool, url, message):
    with pytest.raises(RuntimeError, match=message):
        rules(tool, *url)
