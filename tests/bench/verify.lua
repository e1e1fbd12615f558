-- wrk: keys.verifyKey of one of 100,000 plain keys (tests/bench/setup.sql)
wrk.method = "POST"
wrk.path = "/v2/keys.verifyKey"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer unkey_bench"

function request()
   return wrk.format(nil, nil, nil, '{"key": "plain_' .. math.random(1, 100000) .. '"}')
end

function done(summary, latency)
   local failed = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
   io.write(string.format("result %.0f %.3f %.3f %d\n", summary.requests / (summary.duration / 1e6),
      latency:percentile(50) / 1000, latency:percentile(99) / 1000, failed))
end
