-- Needs: prelude
-- What is known of accounts, their leases, and the pools that they are chosen from.
--   holds      HASH  account, or account:use, -> 'signed-out:<since ms>' or 'cooling:<until ms>:<kind>'
--   in-flight  HASH  account -> leases, where there are any
--   leases     ZSET  lease id, by the ms at which it lapses
--   holders    HASH  lease id -> account
--   abandoned  ZSET  lease id that must not begin any more, by the ms until which that is remembered
--   turns      ZSET  account, by the turn of its last lease in round-robin
--   pools      ZSET  name of a pool, by the ms of its last use
--   pool:NAME  ZSET  the accounts of one list, by how they stand
--   waiting    set while a replica has found every account at its cap
-- NAME is '<selection>.<cap>.<hash of the list>', for pictures and videos with '.<use>' behind it. The score of an account in a pool: below FULL it can be leased, the
-- lowest first; FULL is at its cap; beyond it the ms at which its cool-down ends; infinity is signed out. So a change of
-- an account is one ZADD a pool, and nothing in a lease grows with the list but the depth of a sorted set.

local FULL = 1e12
-- How many lapsed leases and ended cool-downs are cleared away in one go; later scripts clear the rest.
local SWEEP = 100

local holds, inFlight = key('holds'), key('in-flight')
local leases, holders, abandoned = key('leases'), key('holders'), key('abandoned')
local turns, pools, waiting = key('turns'), key('pools'), key('waiting')

local function poolKey(name)
  return key('pool:' .. name)
end

-- The ms until which a hold holds; nil: it has run out, or there is none.
local function holdEnd(hold)
  if not hold then return nil end
  local kind, ms = string.match(hold, '^([^:]+):([^:]+)')
  if kind == 'signed-out' then return math.huge end
  ms = tonumber(ms)
  return ms > now and ms or nil
end

local function scoreIn(selection, cap, heldUntil, count, turn)
  if heldUntil == math.huge then return '+inf' end
  if heldUntil then return math.max(heldUntil, FULL + 1) end
  if cap > 0 and count >= cap then return FULL end
  return selection == 'round-robin' and turn or count
end

local function poolTerms(name)
  local selection, cap = string.match(name, '^([^.]+)%.(%d+)%.')
  return selection, tonumber(cap)
end

-- What a pool is used for; nil for chats, which the hold of the account itself holds.
local function poolUse(name)
  return string.match(name, '^[^.]+%.%d+%.[^.]+%.(%a+)$')
end

-- The later end of what holds an account and what holds it for one use.
local function holdEndFor(use, account, heldUntil)
  local own = use and holdEnd(redis.call('HGET', holds, account .. ':' .. use))
  if own and heldUntil then return math.max(own, heldUntil) end
  return own or heldUntil
end

-- Puts an account where it belongs in every pool that has it, after something about it changed.
-- held: the account, or account:use; count: its leases in flight, where the caller knows them
local function place(held, count)
  local account = string.match(held, '^[^:]+')
  local hold = redis.call('HGET', holds, account)
  local heldUntil = holdEnd(hold)
  if hold and not heldUntil then redis.call('HDEL', holds, account) end
  count = count or tonumber(redis.call('HGET', inFlight, account)) or 0
  for _, name in ipairs(redis.call('ZRANGE', pools, 0, -1)) do
    local selection, cap = poolTerms(name)
    local turn = selection == 'round-robin' and redis.call('ZSCORE', turns, account) or 0
    local ends = holdEndFor(poolUse(name), account, heldUntil)
    redis.call('ZADD', poolKey(name), 'XX', scoreIn(selection, cap, ends, count, turn), account)
  end
end

local function dropPools(names)
  for _, name in ipairs(names) do
    redis.call('UNLINK', poolKey(name))
    redis.call('ZREM', pools, name)
  end
end

-- Notifies waiters. One that finds no account waits again, so a burst of releases needs one message.
local function notifyWaiters()
  if redis.call('DEL', waiting) == 1 then redis.call('PUBLISH', messages, 'leases') end
end

local function beginLease(leaseId, account, leaseMs)
  redis.call('ZADD', leases, now + leaseMs, leaseId)
  redis.call('HSET', holders, leaseId, account)
  place(account, redis.call('HINCRBY', inFlight, account, 1))
end

local function endLease(leaseId)
  local account = redis.call('HGET', holders, leaseId)
  redis.call('ZREM', leases, leaseId)
  if not account then return end
  redis.call('HDEL', holders, leaseId)
  local count = redis.call('HINCRBY', inFlight, account, -1)
  if count <= 0 then redis.call('HDEL', inFlight, account) end
  place(account, count)
end

-- Whether the lease is that account's and has not lapsed.
local function isHeld(leaseId, account)
  local lapsesMs = tonumber(redis.call('ZSCORE', leases, leaseId))
  return lapsesMs ~= nil and lapsesMs > now and redis.call('HGET', holders, leaseId) == account
end

-- Answer: whether there may be more.
local function endLapsed()
  local lapsed = redis.call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, SWEEP)
  for _, leaseId in ipairs(lapsed) do endLease(leaseId) end
  if #lapsed > 0 then notifyWaiters() end
  return #lapsed == SWEEP
end

-- Of two requests on one account the one that ends last must not lift what the other found out.
local function holdAccount(account, found)
  local foundEnd, currentEnd = holdEnd(found), holdEnd(redis.call('HGET', holds, account))
  if not foundEnd or (currentEnd and currentEnd > foundEnd) then return end
  redis.call('HSET', holds, account, found)
  place(account)
end
