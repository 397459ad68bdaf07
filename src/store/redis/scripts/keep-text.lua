-- Needs: shared, kept-texts
-- Keeps a text, in the place of an earlier one; the oldest go for it when there are too many.
-- ARGV[2]           kind
-- ARGV[3], ARGV[4]  id; owner
-- ARGV[5], ARGV[6]  text; its length in UTF-16 units
-- ARGV[7]           ms of its life
-- ARGV[8], ARGV[9]  how many texts there may be; how long all of them
-- Answer: nothing

local id, owner, lifeMs = ARGV[3], ARGV[4], tonumber(ARGV[7])
forget(id)
local age = redis.call('INCR', kept('age'))
redis.call('SET', kept('text:' .. id), ARGV[5], 'PX', text(math.max(lifeMs, 1)))
redis.call('ZADD', ages, age, id)
redis.call('ZADD', ends, now + lifeMs, id)
redis.call('ZADD', kept('of:' .. owner), age, id)
setFacts(id, ARGV[6], owner)
keepBounds(tonumber(ARGV[8]), tonumber(ARGV[9]))
