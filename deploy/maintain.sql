-- What the service "maintenance" of compose.yaml runs, every minute; see docs/operations.md.
SELECT unkey.maintain() \watch 60
