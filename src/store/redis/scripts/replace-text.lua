-- Needs: shared, kept-texts
-- Puts a text in the place of the one that is kept; owner, age and end stay.
-- ARGV[2], ARGV[3]  kind; id
-- ARGV[4], ARGV[5]  text; its length in UTF-16 units
-- ARGV[6], ARGV[7]  how many texts there may be; how long all of them
-- Answer: 1, or 0 when there is none

local id = ARGV[3]
if not isAlive(id) then return 0 end
if not redis.call('SET', kept('text:' .. id), ARGV[4], 'XX', 'KEEPTTL') then return 0 end
local length, owner = factsOf(id)
redis.call('DECRBY', kept('length'), length)
setFacts(id, ARGV[5], owner)
keepBounds(tonumber(ARGV[6]), tonumber(ARGV[7]))
return 1
