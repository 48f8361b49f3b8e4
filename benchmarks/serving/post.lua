-- wrk's script: POST the lines of a file in turn; print what was measured as JSON.
-- Arguments after `--`: the file, the path, then names and values of headers.

local requests, following = {}, 0

function init(arguments)
   local headers = { ["Content-Type"] = "application/json" }
   for number = 3, #arguments, 2 do
      headers[arguments[number]] = arguments[number + 1]
   end
   for line in io.lines(arguments[1]) do
      requests[#requests + 1] = wrk.format("POST", arguments[2], headers, line)
   end
end

function request()
   following = following % #requests + 1
   return requests[following]
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests": %d, "microseconds": %d, "p50": %f, "p99": %f, "status": %d, "sockets": %d}\n',
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors.status,
      errors.connect + errors.read + errors.write + errors.timeout
   ))
end
