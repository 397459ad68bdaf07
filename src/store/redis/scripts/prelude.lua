-- Opens every script. Each of the other files is a family: what its scripts share, then the scripts, each from its
-- '-- Script NAME' to the next; 'Needs' names the files before it. A script is one atomic command of Redis.
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

-- Without an exponent, which Lua would use for large numbers.
local function integer(number)
  return string.format('%.0f', number)
end

local now = clock()
-- Channel of the messages between replicas.
local messages = key('news')
