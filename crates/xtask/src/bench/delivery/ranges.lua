-- Asks for ranges of one file, in any order: wrk -s ranges.lua URL -- FILE
-- FILE has a range in each line: the first byte, `-`, the last.

local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init(args)
  -- Another order for each thread, and the same in every run.
  math.randomseed(number)
  requests = {}
  for range in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format(nil, nil, { ["Range"] = "bytes=" .. range })
  end
end

function request()
  return requests[math.random(#requests)]
end

function done(summary, latency, _)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format("measured %d %d %d %d %d %d\n", summary.duration, summary.requests, summary.bytes,
    failed, latency:percentile(50), latency:percentile(99)))
end
