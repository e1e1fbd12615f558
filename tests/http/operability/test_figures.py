"""Metrics count what was done, and logs hold no secret."""

import os
import unittest
from pathlib import Path

import promql_parser
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families

import database
from server import Server, wait_for
from test_tls import url

ROOT = Path(__file__).resolve().parents[3]


def figures(server):
    """Every sample by its name and labels."""
    text = server.get("/metrics").body.decode()
    return {(sample.name, *sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text) for sample in family.samples}


def alerts():
    """The rules of deploy/alerts.yaml."""
    rules = yaml.safe_load((ROOT / "deploy/alerts.yaml").read_text())
    return [rule for group in rules["groups"] for rule in group["rules"]]


def selectors(expression):
    """Every metric that a PromQL expression reads, with the labels it asks about."""
    found = []

    def visit(node):
        if isinstance(node, promql_parser.VectorSelector):
            found.append((node.name, {matcher.name for matcher in node.matchers.matchers}))

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found


class Figures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root_key = database.root_key()
        _, cls.key = database.create_key(database.create_api(), "credits => 2")

    def test_metrics_count_what_was_done(self):
        with Server(database.URL) as server:
            for _ in range(3):
                server.data("keys.verifyKey", {"key": self.key}, self.root_key)
            server.call("keys.verifyKey", {"key": self.key}, "unknown")
            server.call("apis.listApis", {}, self.root_key)
            server.get("/v2/liveness")
            server.call("no.suchOperation", {}, self.root_key)
            server.call(f"keys.{self.key}", {}, self.root_key)
            seen = figures(server)
            requests = {labels: value for (name, *labels_), value in seen.items() if name == "unkey_http_requests_total"
                        for labels in [tuple(value for _, value in labels_)]}
            self.assertEqual({key: value for key, value in requests.items() if key[0] in ("keys.verifyKey", "liveness")},
                             {("keys.verifyKey", "200"): 3, ("keys.verifyKey", "401"): 1, ("liveness", "200"): 1})
            self.assertEqual(requests[("other", "404")], 2)
            self.assertEqual(seen[("unkey_http_verifications_total", ("outcome", "VALID"))], 2)
            self.assertEqual(seen[("unkey_http_verifications_total", ("outcome", "USAGE_EXCEEDED"))], 1)
            self.assertEqual(seen[("unkey_http_request_seconds_count", ("operation", "keys.verifyKey"))], 4)
            self.assertEqual(seen[("unkey_http_verify_batch_count",)], 4)
            self.assertEqual(seen[("unkey_up",)], 1)
            self.assertEqual(seen[("unkey_http_pool_waiting",)], 0)
            wait_for(lambda: figures(server)[("unkey_http_connections",)] == 1, "all connections but its own to be closed")

    def test_alerts_ask_for_figures_that_exist_and_are_explained(self):
        with Server(database.URL) as server:
            server.data("keys.verifyKey", {"key": "unknown"}, self.root_key)
            known = {}
            for name, *labels in figures(server):
                known.setdefault(name, set()).update(label for label, _ in labels)
        explained = (ROOT / "docs/operations.md").read_text()
        self.assertGreater(len(alerts()), 10)
        for alert in alerts():
            asked = selectors(alert["expr"])
            self.assertTrue(asked, alert["alert"])
            for name, labels in asked:
                self.assertIn(name, known, alert["alert"])
                self.assertLessEqual(labels, known[name], alert["alert"])
            self.assertIn(f"`{alert['alert']}`", explained)

    def test_the_log_has_no_key_at_any_level(self):
        # A JSON Web Token as /rpc takes it, and an Authorization header of another scheme.
        token, basic = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiJ9.c2VjcmV0LXNpZ25hdHVyZQ", "dXNlcjpwYXNzd29yZA"
        with Server(url("localhost", "sslmode=prefer"), UNKEY_LOG="trace") as server:
            api = server.data("apis.createApi", {"name": "secrets"}, self.root_key)["apiId"]
            made = server.data("keys.createKey", {"apiId": api}, self.root_key)
            server.data("keys.verifyKey", {"key": made["key"]}, self.root_key)
            server.call("keys.whoami", {"key": made["key"], "unknown": made["key"]}, self.root_key)
            server.get(f"/v2/keys.verifyKey?key={made['key']}")
            server.get(f"/{made['key']}")
            server.call(made["key"], {}, self.root_key)
            server.request("POST", "/v2/keys.verifyKey", "{", {"Authorization": f"Basic {basic}"})
            server.request("POST", "/rpc/unkey_verify_key", "{}", {"Authorization": f"Bearer {token}"})
            server.request("POST", "/v2/keys.verifyKey", f'{{"key": "{made["key"]}"', {"Authorization": self.root_key})
            # The database raises an error whose text repeats what was sent.
            database.query("ALTER TABLE unkey.apis ADD CONSTRAINT refuse CHECK (name NOT LIKE 'key%') NOT VALID")
            try:
                name = made["key"].replace("_", "-")
                failed = server.call("apis.createApi", {"name": f"key{name}"}, self.root_key)
                self.assertEqual(failed.status, 500)
                self.assertNotIn(name, failed.body.decode())
            finally:
                database.query("ALTER TABLE unkey.apis DROP CONSTRAINT refuse")
            self.assertEqual(server.stop(), 0)
            log = server.log()
        self.assertIn(failed.headers["X-Request-Id"], log)
        for secret in (made["key"], name, self.root_key, token, basic, os.environ["HTTP_PASSWORD"]):
            self.assertNotIn(secret, log)
