-- Needs: shared
-- Removes a record and tells the other replicas.
-- ARGV[2], ARGV[3]  kind; id
-- ARGV[4]           replica that tells
-- Answer: nothing

redis.call('ZREM', key('record-order:' .. ARGV[2]), ARGV[3])
if redis.call('HDEL', key('records:' .. ARGV[2]), ARGV[3]) == 1 then
  redis.call('PUBLISH', news, 'records ' .. ARGV[2] .. ' ' .. ARGV[4])
end
