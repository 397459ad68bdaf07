-- Needs: shared, accounts
-- Renews a lease from now on.
-- ARGV[2], ARGV[3], ARGV[4]  account; lease id; ms of the lease
-- Answer: 1, or 0 when it has lapsed, ended or is of another account

if not isHeld(ARGV[3], ARGV[2]) then return 0 end
redis.call('ZADD', leases, now + tonumber(ARGV[4]), ARGV[3])
return 1
