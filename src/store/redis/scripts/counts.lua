-- Needs: prelude
-- How many attempts ended how.
--   counts:<ms at which the hour began>  HASH  '<account>|<model>|<caller>|<outcome>' -> attempts

local HOUR_MS = 3600000
-- From the end of the hour.
local COUNTED_MS = 30 * 24 * HOUR_MS

local function hourOf(ms)
  return math.floor(ms / HOUR_MS) * HOUR_MS
end

local function countsKey(hour)
  return key('counts:' .. integer(hour))
end

-- maxFields: of the hour; the rest is counted under 'other'
local function count(hour, field, times, maxFields)
  local counts = countsKey(hour)
  if redis.call('HINCRBY', counts, field, times) > times then return end
  local fields = redis.call('HLEN', counts)
  if fields == 1 then redis.call('PEXPIRE', counts, integer(hour + HOUR_MS + COUNTED_MS - now)) end
  if fields <= maxFields then return end
  redis.call('HDEL', counts, field)
  redis.call('HINCRBY', counts, 'other|other|other|' .. string.match(field, '[^|]*$'), times)
end

-- Script add-counts
-- Counts what a replica has counted by itself, once, however often it is sent.
-- ARGV[2]   id of what is sent
-- ARGV[3]   how many fields an hour may have
-- ARGV[4..] ms at which the hour began, field, attempts; again and again
-- Answer: nothing

local KNOWN_MS = 24 * HOUR_MS

if not redis.call('SET', key('counted:' .. ARGV[2]), 1, 'NX', 'PX', KNOWN_MS) then return end
for index = 4, #ARGV, 3 do
  count(tonumber(ARGV[index]), ARGV[index + 1], tonumber(ARGV[index + 2]), tonumber(ARGV[3]))
end

-- Script read-counts
-- Reads the counts of the hours that any of a time is in, no more of them at once than keeps other commands waiting.
-- ARGV[2], ARGV[3]  from; up to but not including; in ms
-- Answer: {ms from which to ask on or '', {ms at which the hour began, {field, attempts, ...}}, ...}

local ENOUGH = 20000

local hour = math.max(hourOf(tonumber(ARGV[2])), hourOf(now - COUNTED_MS))
-- A replica that counted by itself went by its own clock, which may be ahead.
local last = math.min(tonumber(ARGV[3]), now + HOUR_MS)
local found, size = { '' }, 0
while hour < last and size < ENOUGH do
  local counts = redis.call('HGETALL', countsKey(hour))
  if #counts > 0 then found[#found + 1] = { integer(hour), counts } end
  size = size + #counts
  hour = hour + HOUR_MS
end
if hour < last then found[1] = integer(hour) end
return found
