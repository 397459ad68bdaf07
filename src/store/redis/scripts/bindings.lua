-- Needs: prelude
-- Chat bindings. Both keys have a member for each '<account>:<model>'; an account key has no colon.
--   bindings      HASH  -> chat id
--   binding-uses  ZSET  by the ms of the last use

-- The time of last use is written no finer than this.
local TOUCH_MS = 3600000
-- How many that have ended each save clears away.
local PRUNE = 10

local bindings, bindingUses = key('bindings'), key('binding-uses')

local function dropBinding(field)
  redis.call('HDEL', bindings, field)
  redis.call('ZREM', bindingUses, field)
end

local function findBinding(account, model, lifeMs)
  local field = account .. ':' .. model
  local chatId = redis.call('HGET', bindings, field)
  local usedMs = chatId and tonumber(redis.call('ZSCORE', bindingUses, field))
  return usedMs and usedMs > now - lifeMs and chatId
end

local function saveBinding(account, model, chatId, lifeMs, maxBindings)
  local field = account .. ':' .. model
  if redis.call('HGET', bindings, field) == chatId then
    local usedMs = tonumber(redis.call('ZSCORE', bindingUses, field))
    if usedMs and usedMs > now - TOUCH_MS then return end
  end
  redis.call('HSET', bindings, field, chatId)
  redis.call('ZADD', bindingUses, now, field)
  local ended = redis.call('ZRANGEBYSCORE', bindingUses, '-inf', now - lifeMs, 'LIMIT', 0, PRUNE)
  for _, each in ipairs(ended) do dropBinding(each) end
  local surplus = math.min(redis.call('ZCARD', bindingUses) - maxBindings, PRUNE)
  if surplus <= 0 then return end
  for _, each in ipairs(redis.call('ZRANGE', bindingUses, 0, surplus - 1)) do dropBinding(each) end
end

-- Script drop-bindings
-- Drops the bindings of an account among some thousand; to be called again from where it ended.
-- ARGV[2], ARGV[3]  account; cursor, '0' at first
-- Answer: the next cursor; '0' when all were seen

local found = redis.call('HSCAN', bindings, ARGV[3], 'MATCH', ARGV[2] .. ':*', 'COUNT', 2000)
for index = 1, #found[2], 2 do dropBinding(found[2][index]) end
return found[1]
