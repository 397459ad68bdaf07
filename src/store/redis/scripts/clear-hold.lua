-- Needs: shared, accounts
-- Makes an account usable again and forgets its failures in a row.
-- ARGV[2]  account
-- Answer: nothing

redis.call('HDEL', holds, ARGV[2])
redis.call('HDEL', key('rate-limits'), ARGV[2])
place(ARGV[2])
announce()
