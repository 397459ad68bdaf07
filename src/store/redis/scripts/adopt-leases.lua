-- Needs: shared, accounts
-- Puts leases back that were lost, whatever the caps; one that is still there is renewed.
-- ARGV[2..]  account, lease id, ms of the lease; again and again
-- Answer: nothing

for index = 2, #ARGV, 3 do
  local account, leaseId, leaseMs = ARGV[index], ARGV[index + 1], tonumber(ARGV[index + 2])
  local holder = redis.call('HGET', holders, leaseId)
  if not holder then beginLease(leaseId, account, leaseMs)
  elseif holder == account then redis.call('ZADD', leases, now + leaseMs, leaseId) end
end
