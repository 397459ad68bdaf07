-- Needs: prelude, accounts, bindings

-- Script lease
-- Chooses an account, leases it and reads its chat binding.
-- ARGV[2], ARGV[3]  names of the pool and of the one to fall back on; '' is none
-- ARGV[4], ARGV[5]  lease id; ms of the lease
-- ARGV[6], ARGV[7]  model; ms that its chat binding lives unused, 0: it is not read
-- ARGV[8]           a random number from 0 up to but not including 1
-- ARGV[9]           of those that are equally busy, the first of these where there is one, with spaces between; least-busy alone
-- ARGV[10..]        accounts that must not be leased
-- Answer: {'leased', account, chat id or nil} | {'busy'} | {'cooling', until ms} | {'none'}
--         {'unknown'}: register the pools and ask again

local POOL_TOUCH_MS = 60000

-- A pool that no lease has used for so long goes, whichever pool the next lease uses: every change of an account writes to
-- all pools that there are.
local POOL_LIFE_MS = 600000
local POOL_SWEEP = 4

local function isKnown(name)
  local usedMs = tonumber(redis.call('ZSCORE', pools, name))
  if not usedMs then return false end
  if usedMs <= now - POOL_TOUCH_MS then redis.call('ZADD', pools, now, name) end
  return true
end

-- Answer: whether there may be more.
local function liftEndedHolds(pool)
  local ended = redis.call('ZRANGEBYSCORE', pool, '(' .. integer(FULL), now, 'LIMIT', 0, SWEEP)
  for _, account in ipairs(ended) do place(account) end
  return #ended == SWEEP
end

-- Ranks of the excluded accounts in a pool, in their order.
local function excludedRanks(pool)
  local ranks = {}
  for index = 10, #ARGV do
    local rank = redis.call('ZRANK', pool, ARGV[index])
    if rank then ranks[#ranks + 1] = rank end
  end
  table.sort(ranks)
  return ranks
end

-- One of the ranks from first up to but not including last, by draw, the excluded left out; nil if none is left.
local function drawRank(first, last, excluded, draw)
  local free = last - first
  for _, rank in ipairs(excluded) do
    if rank >= first and rank < last then free = free - 1 end
  end
  if free <= 0 then return nil end
  local chosen = first + math.floor(draw * free)
  for _, rank in ipairs(excluded) do
    if rank >= first and rank <= chosen then chosen = chosen + 1 end
  end
  return chosen
end

-- The rank of the first of the preferred that is as busy as the score says; nil if none is.
local function preferredRank(pool, score, excluded)
  for account in string.gmatch(ARGV[9], '%S+') do
    if redis.call('ZSCORE', pool, account) == score then
      local rank = redis.call('ZRANK', pool, account)
      local free = true
      for _, other in ipairs(excluded) do free = free and other ~= rank end
      if free then return rank end
    end
  end
end

local choosers = {}

-- Level by level, from those with the fewest leases on.
choosers['least-busy'] = function(pool, excluded, draw)
  local first = 0
  while true do
    local score = redis.call('ZRANGE', pool, first, first, 'WITHSCORES')[2]
    if not score or tonumber(score) >= FULL then return nil end
    local last = redis.call('ZCOUNT', pool, '-inf', score)
    local chosen = preferredRank(pool, score, excluded) or drawRank(first, last, excluded, draw)
    if chosen then return chosen end
    first = last
  end
end

choosers['random'] = function(pool, excluded, draw)
  return drawRank(0, redis.call('ZCOUNT', pool, '-inf', '(' .. integer(FULL)), excluded, draw)
end

-- The lowest turn is the longest ago.
choosers['round-robin'] = function(pool, excluded)
  return choosers['random'](pool, excluded, 0)
end

local function choose(name, pool)
  local rank = choosers[poolTerms(name)](pool, excludedRanks(pool), tonumber(ARGV[8]))
  return rank and redis.call('ZRANGE', pool, rank, rank)[1]
end

local function isBusy(pool)
  local full = redis.call('ZCOUNT', pool, FULL, FULL)
  for index = 10, #ARGV do
    if tonumber(redis.call('ZSCORE', pool, ARGV[index])) == FULL then full = full - 1 end
  end
  return full > 0
end

local names = {}
for _, name in ipairs({ ARGV[2], ARGV[3] }) do
  if name ~= '' then
    if not isKnown(name) then return { 'unknown' } end
    names[#names + 1] = name
  end
end

if redis.call('ZSCORE', abandoned, ARGV[4]) then return { 'none' } end

dropPools(redis.call('ZRANGEBYSCORE', pools, '-inf', now - POOL_LIFE_MS, 'LIMIT', 0, POOL_SWEEP))

local account
repeat
  local more = endLapsed()
  for _, name in ipairs(names) do
    more = liftEndedHolds(poolKey(name)) or more
    account = account or choose(name, poolKey(name))
  end
until account or not more

if account then
  for _, name in ipairs(names) do
    if poolTerms(name) == 'round-robin' then
      redis.call('ZADD', turns, redis.call('INCR', key('turn')), account)
      break
    end
  end
  beginLease(ARGV[4], account, tonumber(ARGV[5]))
  return { 'leased', account, tonumber(ARGV[7]) > 0 and findBinding(account, ARGV[6], tonumber(ARGV[7])) }
end

local soonest = math.huge
for _, name in ipairs(names) do
  if redis.call('EXISTS', poolKey(name)) == 0 then return { 'unknown' } end
  if isBusy(poolKey(name)) then
    redis.call('SET', waiting, 1)
    return { 'busy' }
  end
  local after = '(' .. integer(FULL)
  local cooling = redis.call('ZRANGEBYSCORE', poolKey(name), after, '(+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  soonest = math.min(soonest, tonumber(cooling[2]) or math.huge)
end
if soonest < math.huge then return { 'cooling', integer(soonest) } end
return { 'none' }
