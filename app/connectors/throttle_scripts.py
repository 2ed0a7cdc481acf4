"""The throttle's Lua: each script runs as one step in Redis, on Redis' own clock, in milliseconds.

Keys: 1 memory (run id of the Redis process whose memory is whole) · 2 gate (closed until) · 3 flight (slots under way,
scored by the end of their lease) · 4… one log of calls per limit, scored by the moment of the answer. A slot's member
is ``id|cost of limit 1|cost of limit 2…``; a call that costs n leaves n entries in the log.
"""

from __future__ import annotations

GRANTED, REFUSED, FORGOTTEN = 1, 0, -1
#: Which limit refuses: its number from 1, or one of these.
GATE, LANES = 0, -1

_NOW = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local function run_id()
  -- A restarted Redis may have lost the last moments of its logs, whatever it saved.
  local ok, info = pcall(redis.call, 'INFO', 'server')
  return ok and type(info) == 'string' and string.match(info, 'run_id:(%w+)') or 'unknown'
end
local function note(key, moment, id, cost, window)
  for n = 1, cost do redis.call('ZADD', key, moment, id .. ':' .. n) end
  if cost > 0 then redis.call('PEXPIRE', key, window + 1000) end
end
"""

#: ARGV: member, lease, lanes (0: any), grace, how long a lane counts as taken, then calls, window, cost per limit.
#: Answers {verdict, wait, which}.
ACQUIRE = (
    _NOW
    + """
if redis.call('GET', KEYS[1]) ~= run_id() then return {-1, 0, 0} end
-- Asked once more by a client that missed our answer: it has its slot.
if redis.call('ZSCORE', KEYS[3], ARGV[1]) then return {1, 0, 0} end
local lease, lanes, grace, taken = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local limits = {}
for i = 1, #KEYS - 3 do
  local at = 3 + 3 * i
  limits[i] = {key = KEYS[3 + i], calls = tonumber(ARGV[at]), window = tonumber(ARGV[at + 1]),
               cost = tonumber(ARGV[at + 2]), flying = 0}
end

-- Whoever held these is dead. Their calls left within the grace, if they left at all.
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now)) do
  local left = tonumber(redis.call('ZSCORE', KEYS[3], member)) - lease + grace
  local i = 0
  for cost in string.gmatch(member, '|(%d+)') do
    i = i + 1
    local limit = limits[i]
    if limit and left + limit.window > now then note(limit.key, left, member, tonumber(cost), limit.window) end
  end
  redis.call('ZREM', KEYS[3], member)
end

local gate = tonumber(redis.call('GET', KEYS[2]) or '0')
if gate > now then return {0, gate - now, 0} end

local flight = redis.call('ZRANGE', KEYS[3], 0, -1)
-- A lane is our own manner, not the vendor's limit: a dead holder keeps it for a shorter time than its slot.
if lanes > 0 and redis.call('ZCOUNT', KEYS[3], now + lease - taken, '+inf') >= lanes then return {0, 50, -1} end
for _, member in ipairs(flight) do
  local i = 0
  for cost in string.gmatch(member, '|(%d+)') do
    i = i + 1
    if limits[i] then limits[i].flying = limits[i].flying + tonumber(cost) end
  end
end

local wait, which = 0, 0
for i, limit in ipairs(limits) do
  if limit.cost > 0 then
    redis.call('ZREMRANGEBYSCORE', limit.key, '-inf', now - limit.window)
    local logged = redis.call('ZCARD', limit.key)
    local over = logged + limit.flying + limit.cost - limit.calls
    if over > 0 then
      local pause = 100  -- what is under way has no moment yet: look again soon
      if over <= logged then
        local oldest = redis.call('ZRANGE', limit.key, over - 1, over - 1, 'WITHSCORES')
        pause = tonumber(oldest[2]) + limit.window - now + 1
      end
      if pause > wait then wait, which = pause, i end
    end
  end
end
if wait > 0 then return {0, wait, which} end
redis.call('ZADD', KEYS[3], now + lease, ARGV[1])
return {1, 0, 0}
"""
)

#: ARGV: member, whether it was sent, then window, cost per limit.
RELEASE = (
    _NOW
    + """
redis.call('ZREM', KEYS[3], ARGV[1])
if ARGV[2] == '1' then
  for i = 1, #KEYS - 3 do
    note(KEYS[3 + i], now, ARGV[1], tonumber(ARGV[2 * i + 2]), tonumber(ARGV[2 * i + 1]))
  end
end
return {1, 0, 0}
"""
)

#: ARGV: calls to assume, window, how long ago, per limit. Only the first process to notice fills the windows.
REMEMBER = (
    _NOW
    + """
local id = run_id()
if redis.call('GET', KEYS[1]) == id then return {0, 0, 0} end
redis.call('SET', KEYS[1], id)
for i = 1, #KEYS - 3 do
  local at = 3 * i - 2
  local calls, window, ago = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  if ago < window then note(KEYS[3 + i], now - ago, 'assumed', calls, window) end
end
return {1, 0, 0}
"""
)

#: ARGV: milliseconds from now.
PENALIZE = (
    _NOW
    + """
local ends = now + tonumber(ARGV[1])
if tonumber(redis.call('GET', KEYS[2]) or '0') < ends then
  redis.call('SET', KEYS[2], ends, 'PX', tonumber(ARGV[1]) + 1000)
end
return {1, 0, 0}
"""
)
