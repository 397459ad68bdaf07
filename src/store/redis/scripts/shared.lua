-- Opens every script.
-- KEYS[1]  root of all keys. Each is made from it: they bear one hash tag, so a cluster keeps them on one node.
-- ARGV[1]  now in ms since the epoch, for tests that stop the clock; '' is Redis's own clock.

local function key(name)
  return KEYS[1] .. name
end

local function clock()
  if ARGV[1] ~= '' then return tonumber(ARGV[1]) end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function text(number)
  return string.format('%.0f', number)
end

local now = clock()
local news = key('news')
