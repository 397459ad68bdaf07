-- Needs: shared, accounts, bindings, counts
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
announce()
return 1
