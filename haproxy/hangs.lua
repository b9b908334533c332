-- What becomes of a replica that does not answer /status in time.
--
-- It may hang. Then the requests that it holds will never be answered: when it was taken out they are let go, and nginx
-- asks another one where asking twice is harmless. Not at once: what is still connecting goes on by itself.
--
-- Or the whole server is busy. Then to take out the last replica would answer everybody 503 for what only takes longer, so
-- that one is given some time.
local CONNECTING = 220 -- milliseconds, longer than `timeout connect`
local PATIENCE = 5 -- seconds

local function up(server)
  local stats = server:get_stats()
  return stats.status:find("^UP") and stats.weight > 0
end

local function any_up()
  for _, server in pairs(core.backends.app.servers) do
    if up(server) then return true end
  end
  return false
end

local given = {} -- by the server's name: since when it is given time, and when that was last

core.event_sub({ "SERVER_DOWN" }, function(_, event)
  local server = event.reference
  if not server or not server:get_stats().check_status:find("TOUT") then return end
  local now = core.now().sec
  local time = given[event.name]
  if not time or now - time.last > PATIENCE then time = { since = now } end
  if not any_up() and server:get_stats().weight > 0 and now - time.since < PATIENCE then
    time.last = now
    given[event.name] = time
    server:check_force_up()
    return
  end
  core.msleep(CONNECTING)
  if server:get_stats().status:find("^DOWN") then server:shut_sess() end
end)

-- For the moment in which the last replica was taken out and is not given back yet.
core.register_action("moment", { "http-req" }, function()
  for _ = 1, 10 do
    core.msleep(10)
    if any_up() then return end
  end
end)
