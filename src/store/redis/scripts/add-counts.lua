-- Needs: shared, counts
-- Counts what a replica has counted by itself, once, however often it is sent.
-- ARGV[2]   id of what is sent
-- ARGV[3]   how many fields an hour may have
-- ARGV[4..] ms at which the hour began, field, attempts; again and again
-- Answer: nothing

local KNOWN_MS = 24 * HOUR_MS

if not redis.call('SET', key('counted:' .. ARGV[2]), 1, 'NX', 'PX', KNOWN_MS) then return end
for index = 4, #ARGV, 3 do
  count(tonumber(ARGV[index]), ARGV[index + 1], tonumber(ARGV[index + 2]), tonumber(ARGV[3]))
end
