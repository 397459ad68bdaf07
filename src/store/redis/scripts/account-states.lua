-- Needs: shared, accounts
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
return { text(now), asked(inFlight), asked(holds) }
