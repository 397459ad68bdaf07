-- Needs: shared
-- ARGV[2]  kind
-- Answer: {id, text, ...} in the order in which they were first saved

local texts = key('records:' .. ARGV[2])
local found = {}
for _, id in ipairs(redis.call('ZRANGE', key('record-order:' .. ARGV[2]), 0, -1)) do
  found[#found + 1] = id
  found[#found + 1] = redis.call('HGET', texts, id) or ''
end
return found
