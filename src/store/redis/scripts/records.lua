-- Needs: prelude
-- Texts that are stored until they are removed, by kind and id.
--   records:<kind>       HASH  id -> text
--   record-order:<kind>  ZSET  id, in the order in which they were first saved
--   record-count         of all that were ever saved

-- Script save-record
-- Stores a record, in the place of an earlier one, and notifies the other replicas.
-- ARGV[2], ARGV[3], ARGV[4]  kind; id; text
-- ARGV[5]                    replica that notifies
-- Answer: nothing

local order = key('record-order:' .. ARGV[2])
if not redis.call('ZSCORE', order, ARGV[3]) then
  redis.call('ZADD', order, redis.call('INCR', key('record-count')), ARGV[3])
end
redis.call('HSET', key('records:' .. ARGV[2]), ARGV[3], ARGV[4])
redis.call('PUBLISH', messages, 'records ' .. ARGV[2] .. ' ' .. ARGV[5])

-- Script add-record
-- Stores a record unless there is one, and then notifies the other replicas.
-- ARGV[2], ARGV[3], ARGV[4]  kind; id; text
-- ARGV[5]                    replica that notifies
-- Answer: 1 when it was stored

if redis.call('HSETNX', key('records:' .. ARGV[2]), ARGV[3], ARGV[4]) == 0 then return 0 end
redis.call('ZADD', key('record-order:' .. ARGV[2]), redis.call('INCR', key('record-count')), ARGV[3])
redis.call('PUBLISH', messages, 'records ' .. ARGV[2] .. ' ' .. ARGV[5])
return 1

-- Script remove-record
-- Removes a record and notifies the other replicas.
-- ARGV[2], ARGV[3]  kind; id
-- ARGV[4]           replica that notifies
-- Answer: nothing

redis.call('ZREM', key('record-order:' .. ARGV[2]), ARGV[3])
if redis.call('HDEL', key('records:' .. ARGV[2]), ARGV[3]) == 1 then
  redis.call('PUBLISH', messages, 'records ' .. ARGV[2] .. ' ' .. ARGV[4])
end

-- Script records
-- ARGV[2]  kind
-- Answer: {id, text, ...} in the order in which they were first saved

local texts = key('records:' .. ARGV[2])
local found = {}
for _, id in ipairs(redis.call('ZRANGE', key('record-order:' .. ARGV[2]), 0, -1)) do
  found[#found + 1] = id
  found[#found + 1] = redis.call('HGET', texts, id) or ''
end
return found
