-- Needs: prelude
-- Texts that are stored until they are removed, by kind and id.
--   records:<kind>       HASH  id -> text
--   record-order:<kind>  ZSET  id, in the order in which they were first saved
--   record-count         of all that were ever saved
-- Beside what 0.1.0 knows, whose changes leave no trace here:
--   revision             grows with every change, and never goes back
--   changes:<kind>       ZSET  id, by the revision of its last change; also of those that were removed
--   gone:<kind>          ZSET  id of one that was removed, by the revision of that
--   changes-from:<kind>  the revision up to which removals are no longer known
--   epoch                a random id of the data: another one after data was lost

-- How many removals are remembered.
local MAX_GONE = 20000
-- Of one page, and how much of text.
local PAGE, ENOUGH = 500, 512 * 1024
-- What was written by a Redis that has lost data is later than anything that was known before.
local GAP = 1000000

-- Chats to be deleted come with every answer and concern one replica alone.
local function isFollowed(kind)
  return kind ~= 'chat-deletion'
end

-- Answer: {id, revision} of the last change; '' and '0' when there was none.
local function lastChange(kind)
  local last = redis.call('ZREVRANGE', key('changes:' .. kind), 0, 0, 'WITHSCORES')
  return { last[1] or '', integer(last[2] or 0) }
end

local function noteChange(kind, id, isGone)
  if not isFollowed(kind) then return '0' end
  local revision = redis.call('INCR', key('revision'))
  redis.call('ZADD', key('changes:' .. kind), revision, id)
  if not isGone then
    redis.call('ZREM', key('gone:' .. kind), id)
    return integer(revision)
  end
  redis.call('ZADD', key('gone:' .. kind), revision, id)
  while redis.call('ZCARD', key('gone:' .. kind)) > MAX_GONE do
    local oldest = redis.call('ZPOPMIN', key('gone:' .. kind))
    redis.call('ZREM', key('changes:' .. kind), oldest[1])
    redis.call('SET', key('changes-from:' .. kind), oldest[2])
  end
  return integer(revision)
end

local function save(kind, id, text)
  local order = key('record-order:' .. kind)
  if not redis.call('ZSCORE', order, id) then
    redis.call('ZADD', order, redis.call('INCR', key('record-count')), id)
  end
  redis.call('HSET', key('records:' .. kind), id, text)
  return noteChange(kind, id, false)
end

local function remove(kind, id)
  redis.call('ZREM', key('record-order:' .. kind), id)
  if redis.call('HDEL', key('records:' .. kind), id) == 1 then return noteChange(kind, id, true) end
end

local function notify(kind, replica, revision)
  redis.call('PUBLISH', messages, 'records ' .. kind .. ' ' .. replica .. ' ' .. revision)
end

-- What every page begins with, so that nothing is concluded from data that is not what it was.
local function stateOf(kind)
  local revision, from = redis.call('GET', key('revision')), redis.call('GET', key('changes-from:' .. kind))
  return { redis.call('GET', key('epoch')) or '', revision or '0', from or '0' }
end

-- Script change-records
-- Stores records in the place of earlier ones, removes others, and notifies the other replicas once.
-- ARGV[2], ARGV[3]  kind; replica that notifies
-- ARGV[4..]         id, '1' or '0' for one that goes, text; again and again
-- Answer: {{id, revision} of the change before, {id, revision} of the last}

local before, revision = lastChange(ARGV[2]), nil
for index = 4, #ARGV, 3 do
  if ARGV[index + 1] == '1' then revision = save(ARGV[2], ARGV[index], ARGV[index + 2])
  else revision = remove(ARGV[2], ARGV[index]) or revision end
end
if revision then notify(ARGV[2], ARGV[3], revision) end
return { before, lastChange(ARGV[2]) }

-- Script add-record
-- Stores a record unless there is one, and then notifies the other replicas.
-- ARGV[2], ARGV[3], ARGV[4]  kind; id; text
-- ARGV[5]                    replica that notifies
-- Answer: 1 when it was stored

if redis.call('HEXISTS', key('records:' .. ARGV[2]), ARGV[3]) == 1 then return 0 end
notify(ARGV[2], ARGV[5], save(ARGV[2], ARGV[3], ARGV[4]))
return 1

-- Script read-records
-- ARGV[2], ARGV[3]  kind; the place after which the page begins, '0' at first
-- Answer: {epoch, revision, changes-from, {id, revision} of the last change, next place or '', {id, revision or '0', text, ...}}
-- in the order in which they were first saved

local found, size, place = {}, 0, ''
local page = redis.call('ZRANGEBYSCORE', key('record-order:' .. ARGV[2]), '(' .. ARGV[3], '+inf', 'WITHSCORES', 'LIMIT', 0, PAGE)
local last = #page
for index = 1, last, 2 do
  local text = redis.call('HGET', key('records:' .. ARGV[2]), page[index]) or ''
  found[#found + 1] = page[index]
  found[#found + 1] = integer(redis.call('ZSCORE', key('changes:' .. ARGV[2]), page[index]) or 0)
  found[#found + 1] = text
  size = size + #text
  if size > ENOUGH or index + 1 == last then
    place = (index + 1 < last or last == 2 * PAGE) and page[index + 1] or ''
    break
  end
end
local state = stateOf(ARGV[2])
return { state[1], state[2], state[3], lastChange(ARGV[2]), place, found }

-- Script read-changes
-- ARGV[2], ARGV[3]  kind; the revision after which the page begins
-- Answer: {epoch, revision, changes-from, {id, revision, text or nil when it was removed, ...}}, the oldest change first

local found, size = {}, 0
local page = redis.call('ZRANGEBYSCORE', key('changes:' .. ARGV[2]), '(' .. ARGV[3], '+inf', 'WITHSCORES', 'LIMIT', 0, PAGE)
for index = 1, #page, 2 do
  local text = redis.call('HGET', key('records:' .. ARGV[2]), page[index])
  found[#found + 1] = page[index]
  found[#found + 1] = integer(page[index + 1])
  found[#found + 1] = text
  size = size + #(text or '')
  if size > ENOUGH then break end
end
local state = stateOf(ARGV[2])
return { state[1], state[2], state[3], found }

-- Script find-records
-- ARGV[2], ARGV[3..]  kind; ids
-- Answer: {text or nil, revision at which it was removed or '0', ...}

local found = {}
for index = 3, #ARGV do
  found[#found + 1] = redis.call('HGET', key('records:' .. ARGV[2]), ARGV[index])
  found[#found + 1] = integer(redis.call('ZSCORE', key('gone:' .. ARGV[2]), ARGV[index]) or 0)
end
return found

-- Script meet
-- Compares the data with what a replica knew of it. Data that is older than that is lost data: it becomes another epoch, so that every
-- replica puts back what it has.
-- ARGV[2], ARGV[3]  epoch that it knew or ''; an id for a new one
-- ARGV[4..]         kind, revision and id of the last change that it knew; again and again
-- Answer: epoch

local epoch, isLost = redis.call('GET', key('epoch')), false
local revision, most = tonumber(redis.call('GET', key('revision'))) or 0, 0
for index = 4, #ARGV, 3 do
  local known = tonumber(ARGV[index + 1])
  most = math.max(most, known)
  local now = tonumber(redis.call('ZSCORE', key('changes:' .. ARGV[index]), ARGV[index + 2])) or 0
  local from = tonumber(redis.call('GET', key('changes-from:' .. ARGV[index]))) or 0
  isLost = isLost or (now < known and known > from)
end
isLost = (isLost or most > revision) and epoch == ARGV[2]
if not epoch or isLost then
  epoch = ARGV[3]
  redis.call('SET', key('epoch'), epoch)
end
if isLost or most > revision then redis.call('SET', key('revision'), integer(math.max(revision, most) + GAP)) end
return epoch

-- Script meet-schema
-- Notes the number of the keys and scripts of this version, unless a later one has been here.
-- ARGV[2]  number; what 0.1.0 left behind has none, and counts as 1
-- Answer: the highest number that was here

local schema = tonumber(redis.call('GET', key('schema'))) or 1
if schema >= tonumber(ARGV[2]) then return schema end
redis.call('SET', key('schema'), ARGV[2])
return tonumber(ARGV[2])
