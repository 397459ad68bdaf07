-- Needs: shared, accounts
-- Holds an account; a stricter hold stays.
-- ARGV[2], ARGV[3]  account; hold
-- Answer: nothing

holdAccount(ARGV[2], ARGV[3])
