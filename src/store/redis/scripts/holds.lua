-- Needs: prelude, accounts
-- Holds of accounts, outside of a lease.

-- Script set-hold
-- Holds an account; a stricter hold stays.
-- ARGV[2], ARGV[3]  account; hold
-- Answer: nothing

holdAccount(ARGV[2], ARGV[3])

-- Script clear-hold
-- Makes accounts usable again and forgets their failures in a row.
-- ARGV[2..]  accounts
-- Answer: nothing

for index = 2, #ARGV do
  redis.call('HDEL', key('rate-limits'), ARGV[index])
  if redis.call('HDEL', holds, ARGV[index]) == 1 then place(ARGV[index]) end
end
notifyWaiters()

-- Script account-states
-- Tells how accounts stand.
-- ARGV[2..]  accounts; none is all that are in use or held
-- Answer: {now in ms, {account, leases in flight, ...}, {account, hold, ...}}

local function asked(hash)
  if #ARGV == 1 then return redis.call('HGETALL', hash) end
  local found = {}
  for index = 2, #ARGV do
    local value = redis.call('HGET', hash, ARGV[index])
    if value then
      found[#found + 1] = ARGV[index]
      found[#found + 1] = value
    end
  end
  return found
end

while endLapsed() do end
return { integer(now), asked(inFlight), asked(holds) }
