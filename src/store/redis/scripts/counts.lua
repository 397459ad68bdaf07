-- Needs: shared
-- How many attempts ended how.
--   counts:<ms at which the hour began>  HASH  '<account>|<model>|<caller>|<outcome>' -> attempts

local HOUR_MS = 3600000
-- From the end of the hour.
local COUNTED_MS = 30 * 24 * HOUR_MS

local function hourOf(ms)
  return math.floor(ms / HOUR_MS) * HOUR_MS
end

local function countsKey(hour)
  return key('counts:' .. text(hour))
end

-- maxFields: of the hour; the rest is counted under 'other'
local function count(hour, field, times, maxFields)
  local counts = countsKey(hour)
  if redis.call('HINCRBY', counts, field, times) > times then return end
  local fields = redis.call('HLEN', counts)
  if fields == 1 then redis.call('PEXPIRE', counts, text(hour + HOUR_MS + COUNTED_MS - now)) end
  if fields <= maxFields then return end
  redis.call('HDEL', counts, field)
  redis.call('HINCRBY', counts, 'other|other|other|' .. string.match(field, '[^|]*$'), times)
end
