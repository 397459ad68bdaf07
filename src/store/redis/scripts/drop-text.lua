-- Needs: shared, kept-texts
-- ARGV[2], ARGV[3]  kind; id
-- Answer: 1, or 0 when there was none

local wasAlive = isAlive(ARGV[3])
forget(ARGV[3])
return wasAlive and 1 or 0
