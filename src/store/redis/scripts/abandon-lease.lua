-- Needs: shared, accounts
-- Ends a lease whose answer never came; nobody knows its account.
-- ARGV[2]  lease id
-- Answer: nothing

endLease(ARGV[2])
announce()
