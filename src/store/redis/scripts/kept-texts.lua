-- Needs: shared
-- Texts that are kept for a while. ARGV[2] is their kind; PREFIX stands for 'kept:<kind>:'.
--   PREFIXtext:<id>     the text; Redis itself lets it go at its end
--   PREFIXfacts         HASH  id -> '<length>:<owner>'
--   PREFIXages          ZSET  id, in the order in which they were kept
--   PREFIXends          ZSET  id, by the ms of its end
--   PREFIXof:<owner>    ZSET  id, as in PREFIXages
--   PREFIXlength        of all of them, in UTF-16 units
--   PREFIXage           of the newest

-- Those that have ended are put away by those who come next, so many in one go.
local SWEEP = 100

local function kept(name)
  return key('kept:' .. ARGV[2] .. ':' .. name)
end

local facts, ages, ends = kept('facts'), kept('ages'), kept('ends')

-- Answer: length, owner; nil when there is none.
local function factsOf(id)
  local length, owner = string.match(redis.call('HGET', facts, id) or '', '^(%d+):(.*)$')
  return tonumber(length), owner
end

local function isAlive(id)
  local endMs = tonumber(redis.call('ZSCORE', ends, id))
  return endMs ~= nil and endMs > now
end

-- Answer: {id, owner, text}, or nil.
local function find(id)
  local _, owner = factsOf(id)
  local found = owner and isAlive(id) and redis.call('GET', kept('text:' .. id))
  return found and { id, owner, found } or nil
end

local function forget(id)
  local length, owner = factsOf(id)
  if not length then return end
  redis.call('DEL', kept('text:' .. id))
  redis.call('HDEL', facts, id)
  redis.call('ZREM', ages, id)
  redis.call('ZREM', ends, id)
  redis.call('ZREM', kept('of:' .. owner), id)
  redis.call('DECRBY', kept('length'), length)
end

local function setFacts(id, length, owner)
  redis.call('HSET', facts, id, length .. ':' .. owner)
  redis.call('INCRBY', kept('length'), length)
end

-- Answer: whether there may be more.
local function forgetEnded()
  local ended = redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, SWEEP)
  for _, id in ipairs(ended) do forget(id) end
  return #ended == SWEEP
end

local function keepBounds(maxTexts, maxLength)
  while forgetEnded() do end
  while redis.call('ZCARD', ages) > maxTexts or tonumber(redis.call('GET', kept('length'))) > maxLength do
    local oldest = redis.call('ZRANGE', ages, 0, 0)[1]
    if not oldest then return end
    forget(oldest)
  end
end
