-- Needs: prelude, accounts

local MAX_POOLS = 64

-- names: of pools that the replica has moved on from
local function addPool(name, names)
  redis.call('ZADD', pools, now, name)
  dropPools(names)
  dropPools(redis.call('ZRANGE', pools, 0, -MAX_POOLS - 1))
end

-- ARGV[first] says how many follow. Answer: these, and where the rest begins.
local function listAt(first)
  local list, last = {}, first + tonumber(ARGV[first])
  for index = first + 1, last do list[#list + 1] = ARGV[index] end
  return list, last + 1
end

-- Script derive-pool
-- Makes a pool of another one that differs from it in a few accounts.
-- ARGV[2], ARGV[3]  name of the pool; name of the other
-- ARGV[4..]         how many pools it replaces, their names; how many accounts only the other has, these; then what only this one has
-- Answer: 1, or 0 when the other is not known: register the whole

local name, other = ARGV[2], ARGV[3]
local replaced, gone, first
replaced, first = listAt(4)
gone, first = listAt(first)
if not redis.call('ZSCORE', pools, name) then
  if not redis.call('ZSCORE', pools, other) or redis.call('EXISTS', poolKey(other)) == 0 then return 0 end
  redis.call('COPY', poolKey(other), poolKey(name), 'REPLACE')
  for _, account in ipairs(gone) do redis.call('ZREM', poolKey(name), account) end
  local selection, cap = poolTerms(name)
  for index = first, #ARGV do
    local account = ARGV[index]
    local count = tonumber(redis.call('HGET', inFlight, account)) or 0
    local ends = holdEndFor(poolUse(name), account, holdEnd(redis.call('HGET', holds, account)))
    local turn = selection == 'round-robin' and redis.call('ZSCORE', turns, account) or 0
    redis.call('ZADD', poolKey(name), scoreIn(selection, cap, ends, count, turn), account)
  end
end
addPool(name, replaced)
return 1

-- Script register-pool
-- Makes a pool of a list of accounts and puts each where it belongs. It takes the place of pools that the replica has moved
-- on from; a replica that still uses one of those registers it again.
-- ARGV[2]    name of the pool
-- ARGV[3]    how many pools it replaces; then their names, then its accounts
-- Answer: nothing

local MAX_TURNS = 20000
-- Lua hands over no more than some thousand arguments at once.
local BATCH = 1000

local function tableOf(flat)
  local result = {}
  for index = 1, #flat, 2 do result[flat[index]] = flat[index + 1] end
  return result
end

local selection, cap = poolTerms(ARGV[2])
local use = poolUse(ARGV[2])
local held, counts = tableOf(redis.call('HGETALL', holds)), tableOf(redis.call('HGETALL', inFlight))
redis.call('ZREMRANGEBYRANK', turns, 0, -MAX_TURNS - 1)
local turn = selection == 'round-robin' and tableOf(redis.call('ZRANGE', turns, 0, -1, 'WITHSCORES')) or {}

local batch = {}
local replaced, first = listAt(3)
for index = first, #ARGV do
  local account = ARGV[index]
  local count = tonumber(counts[account]) or 0
  local ends = holdEndFor(use, account, holdEnd(held[account]))
  batch[#batch + 1] = scoreIn(selection, cap, ends, count, turn[account] or 0)
  batch[#batch + 1] = account
  if #batch == 2 * BATCH or index == #ARGV then
    redis.call('ZADD', poolKey(ARGV[2]), unpack(batch))
    batch = {}
  end
end
addPool(ARGV[2], replaced)

-- Script drop-pool
-- ARGV[2]  name of a pool that nobody leases from
-- Answer: nothing

dropPools({ ARGV[2] })
