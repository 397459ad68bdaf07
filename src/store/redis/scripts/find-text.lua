-- Needs: shared, kept-texts
-- ARGV[2], ARGV[3]  kind; id
-- Answer: {id, owner, text}, or nil

return find(ARGV[3])
