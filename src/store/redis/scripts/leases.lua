-- Needs: prelude, accounts, bindings, counts
-- What becomes of a lease once it is taken.

-- For so long a question may be on its way.
local LATE_MS = 60000

-- Script extend-lease
-- Renews a lease from now on.
-- ARGV[2], ARGV[3], ARGV[4]  account; lease id; ms of the lease
-- Answer: 1, or 0 when it has lapsed, ended or is of another account

if not isHeld(ARGV[3], ARGV[2]) then return 0 end
redis.call('ZADD', leases, now + tonumber(ARGV[4]), ARGV[3])
return 1

-- Script release-lease
-- Ends a lease and writes what it learnt; of one that has lapsed or ended nothing is written.
-- ARGV[2], ARGV[3]  account; lease id
-- ARGV[4], ARGV[5]  model; what becomes of its chat binding: 'keep', 'drop' or 'bind'
-- ARGV[6]           chat id to bind
-- ARGV[7], ARGV[8]  hold or ''; '1' when the answer was good
-- ARGV[9], ARGV[10] ms that a chat binding lives unused; how many of them there may be
-- ARGV[11]          what to count, as a field of the hour, or ''
-- ARGV[12]          how many fields an hour may have
-- Answer: 1, or 0 when it had lapsed or ended before

local account, leaseId, model, chat, hold = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[7]
if not isHeld(leaseId, account) then return 0 end
if chat == 'drop' then dropBinding(account .. ':' .. model) end
if chat == 'bind' then saveBinding(account, model, ARGV[6], tonumber(ARGV[9]), tonumber(ARGV[10])) end
if ARGV[8] == '1' then redis.call('HDEL', key('rate-limits'), account) end
if hold ~= '' then holdAccount(account, hold) end
if ARGV[11] ~= '' then count(hourOf(now), ARGV[11], 1, tonumber(ARGV[12])) end
endLease(leaseId)
notifyWaiters()
return 1

-- Script abandon-lease
-- Ends a lease whose answer never came, so that its account is not known. Should the question itself still be on its way, over a
-- connection that is no more: it is not taken then.
-- ARGV[2]  lease id
-- Answer: nothing

redis.call('ZREMRANGEBYSCORE', abandoned, '-inf', now)
if redis.call('HEXISTS', holders, ARGV[2]) == 0 then redis.call('ZADD', abandoned, now + LATE_MS, ARGV[2]) end
endLease(ARGV[2])
notifyWaiters()

-- Script adopt-leases
-- Puts leases back that were lost, whatever the caps; one that is still there is renewed.
-- ARGV[2..]  account, lease id, ms of the lease; again and again
-- Answer: nothing

for index = 2, #ARGV, 3 do
  local account, leaseId, leaseMs = ARGV[index], ARGV[index + 1], tonumber(ARGV[index + 2])
  local holder = redis.call('HGET', holders, leaseId)
  if not holder then beginLease(leaseId, account, leaseMs)
  elseif holder == account then redis.call('ZADD', leases, now + leaseMs, leaseId) end
end
