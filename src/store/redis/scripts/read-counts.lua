-- Needs: shared, counts
-- Tells what was counted in the hours that any of a time is in, as many of them as can be told without keeping others waiting.
-- ARGV[2], ARGV[3]  from; up to but not including; in ms
-- Answer: {ms from which to ask on or '', {ms at which the hour began, {field, attempts, ...}}, ...}

local ENOUGH = 20000

local hour = math.max(hourOf(tonumber(ARGV[2])), hourOf(now - COUNTED_MS))
-- A replica that counted by itself went by its own clock, which may be ahead.
local last = math.min(tonumber(ARGV[3]), now + HOUR_MS)
local found, size = { '' }, 0
while hour < last and size < ENOUGH do
  local counts = redis.call('HGETALL', countsKey(hour))
  if #counts > 0 then found[#found + 1] = { text(hour), counts } end
  size = size + #counts
  hour = hour + HOUR_MS
end
if hour < last then found[1] = text(hour) end
return found
