-- What wrk sends and prints. Arguments after "--": the Host header, and "kept" or "new" connections.
-- It stands for a proxy with many clients: the edge limits what one client may send.
local count = 0

function init(args)
  headers = { Host = args[1], ["X-Forwarded-Proto"] = "https" }
  if args[2] == "new" then headers["Connection"] = "close" end
end

function request()
  count = count + 1
  headers["X-Forwarded-For"] = "198.51.100." .. count % 250
  return wrk.format("GET", "/", headers)
end

function done(summary, latency)
  local failed = summary.errors
  local sum = failed.connect + failed.read + failed.write + failed.status + failed.timeout
  io.write(string.format('{"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"failed":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), sum))
end
