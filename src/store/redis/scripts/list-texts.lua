-- Needs: shared, kept-texts
-- ARGV[2], ARGV[3], ARGV[4]  kind; owner; how many at most
-- Answer: {{id, owner, text}, ...}, the newest first

while forgetEnded() do end
local found = {}
for _, id in ipairs(redis.call('ZREVRANGE', kept('of:' .. ARGV[3]), 0, tonumber(ARGV[4]) - 1)) do
  found[#found + 1] = find(id)
end
return found
