-- wrk: keys.verifyKey of one of the first HOT plain keys, which tests/bench/setup numbers
wrk.method = "POST"
wrk.path = "/v2/keys.verifyKey"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer unkey_bench"

local tens = math.floor(tonumber(os.getenv("HOT")) / 10)

function request()
   local n = 10 * math.random(0, tens - 1) + math.random(0, 7)
   return wrk.format(nil, nil, nil, string.format('{"key": "1%018d"}', n))
end

function done(summary, latency)
   local failed = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
   io.write(string.format("result %.0f %.3f %.3f %d\n", summary.requests / (summary.duration / 1e6),
      latency:percentile(50) / 1000, latency:percentile(99) / 1000, failed))
end
