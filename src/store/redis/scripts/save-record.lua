-- Needs: shared
-- Keeps a record, in the place of an earlier one, and tells the other replicas.
-- ARGV[2], ARGV[3], ARGV[4]  kind; id; text
-- ARGV[5]                    replica that tells
-- Answer: nothing

local order = key('record-order:' .. ARGV[2])
if not redis.call('ZSCORE', order, ARGV[3]) then
  redis.call('ZADD', order, redis.call('INCR', key('record-count')), ARGV[3])
end
redis.call('HSET', key('records:' .. ARGV[2]), ARGV[3], ARGV[4])
redis.call('PUBLISH', news, 'records ' .. ARGV[2] .. ' ' .. ARGV[5])
