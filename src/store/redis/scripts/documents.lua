-- Needs: prelude
-- Documents: texts with an owner that are stored for a limited time. ARGV[2] is their kind; PREFIX stands for 'kept:<kind>:'.
--   PREFIXtext:<id>     the text; Redis itself lets it go at its end
--   PREFIXfacts         HASH  id -> '<length>:<owner>'
--   PREFIXages          ZSET  id, in the order in which they were stored or touched
--   PREFIXends          ZSET  id, by the ms of its end
--   PREFIXof:<owner>    ZSET  id, in the order in which they were stored
--   PREFIXlength        of all of them, in UTF-16 units
--   PREFIXage           of the newest

-- How many ended documents are cleared away in one go.
local SWEEP = 100

local function docKey(name)
  return key('kept:' .. ARGV[2] .. ':' .. name)
end

local facts, ages, ends = docKey('facts'), docKey('ages'), docKey('ends')

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
  local found = owner and isAlive(id) and redis.call('GET', docKey('text:' .. id))
  return found and { id, owner, found } or nil
end

local function forget(id)
  local length, owner = factsOf(id)
  if not length then return end
  redis.call('DEL', docKey('text:' .. id))
  redis.call('HDEL', facts, id)
  redis.call('ZREM', ages, id)
  redis.call('ZREM', ends, id)
  redis.call('ZREM', docKey('of:' .. owner), id)
  redis.call('DECRBY', docKey('length'), length)
end

local function setFacts(id, length, owner)
  redis.call('HSET', facts, id, length .. ':' .. owner)
  redis.call('INCRBY', docKey('length'), length)
end

-- Answer: whether there may be more.
local function forgetEnded()
  local ended = redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, SWEEP)
  for _, id in ipairs(ended) do forget(id) end
  return #ended == SWEEP
end

local function keepBounds(maxTexts, maxLength)
  while forgetEnded() do end
  while redis.call('ZCARD', ages) > maxTexts or tonumber(redis.call('GET', docKey('length'))) > maxLength do
    local oldest = redis.call('ZRANGE', ages, 0, 0)[1]
    if not oldest then return end
    forget(oldest)
  end
end

-- Script save-document
-- Stores a document, in the place of an earlier one; the oldest go when there are too many.
-- ARGV[2]           kind
-- ARGV[3], ARGV[4]  id; owner
-- ARGV[5], ARGV[6]  text; its length in UTF-16 units
-- ARGV[7]           ms of its life
-- ARGV[8], ARGV[9]  how many documents there may be; how long all of them
-- Answer: nothing

local id, owner, lifeMs = ARGV[3], ARGV[4], tonumber(ARGV[7])
forget(id)
local age = redis.call('INCR', docKey('age'))
redis.call('SET', docKey('text:' .. id), ARGV[5], 'PX', integer(math.max(lifeMs, 1)))
redis.call('ZADD', ages, age, id)
redis.call('ZADD', ends, now + lifeMs, id)
redis.call('ZADD', docKey('of:' .. owner), age, id)
setFacts(id, ARGV[6], owner)
keepBounds(tonumber(ARGV[8]), tonumber(ARGV[9]))

-- Script replace-document
-- Replaces the text of a document; owner, age and end stay.
-- ARGV[2], ARGV[3]  kind; id
-- ARGV[4], ARGV[5]  text; its length in UTF-16 units
-- ARGV[6], ARGV[7]  how many documents there may be; how long all of them
-- Answer: 1, or 0 when there is none

local id = ARGV[3]
if not isAlive(id) then return 0 end
if not redis.call('SET', docKey('text:' .. id), ARGV[4], 'XX', 'KEEPTTL') then return 0 end
local length, owner = factsOf(id)
redis.call('DECRBY', docKey('length'), length)
setFacts(id, ARGV[5], owner)
keepBounds(tonumber(ARGV[6]), tonumber(ARGV[7]))
return 1

-- Script find-document
-- ARGV[2], ARGV[3]  kind; id
-- Answer: {id, owner, text}, or nil

return find(ARGV[3])

-- Script list-documents
-- ARGV[2], ARGV[3], ARGV[4]  kind; owner; how many at most
-- Answer: {{id, owner, text}, ...}, the newest first

while forgetEnded() do end
local found = {}
for _, id in ipairs(redis.call('ZREVRANGE', docKey('of:' .. ARGV[3]), 0, tonumber(ARGV[4]) - 1)) do
  found[#found + 1] = find(id)
end
return found

-- Script touch-documents
-- Others go before these when there are too many.
-- ARGV[2], ARGV[3..]  kind; ids
-- Answer: nothing

for index = 3, #ARGV do
  if redis.call('ZSCORE', ages, ARGV[index]) then
    redis.call('ZADD', ages, redis.call('INCR', docKey('age')), ARGV[index])
  end
end

-- Script remove-document
-- ARGV[2], ARGV[3]  kind; id
-- Answer: 1, or 0 when there was none

local wasAlive = isAlive(ARGV[3])
forget(ARGV[3])
return wasAlive and 1 or 0
