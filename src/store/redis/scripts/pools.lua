-- Needs: prelude, accounts

-- Script register-pool
-- Makes a pool of a list of accounts and puts each where it belongs. It takes the place of pools that the replica has moved
-- on from; a replica that still uses one of those registers it again.
-- ARGV[2]    name of the pool
-- ARGV[3]    how many pools it replaces; then their names, then its accounts
-- Answer: nothing

local MAX_POOLS = 64
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

redis.call('ZADD', pools, now, ARGV[2])
local batch = {}
local first = 4 + tonumber(ARGV[3])
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

for index = 4, first - 1 do dropPools({ ARGV[index] }) end
dropPools(redis.call('ZRANGE', pools, 0, -MAX_POOLS - 1))
