-- What becomes of a replica that does not answer /status in time.
--
-- It may hang. Then the requests that it holds will never be answered: when it was taken out they are let go, and nginx
-- asks another one where asking twice is harmless. Not at once: what is still connecting goes on by itself.
--
-- Or the server is busy, and everything takes longer. Whoever answers requests meanwhile does not hang. It is given some
-- time, and so is who has no new requests anyway, and the last one: without it everybody would get 503.
local CONNECTING = 220 -- milliseconds, longer than `timeout connect`
local PATIENCE = 5 -- seconds
local ANSWERS = { "hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other" }

local function any_up() return core.backends.app:get_srv_act() > 0 end

local function answered(server)
  local stats, sum = server:get_stats(), 0
  for _, name in ipairs(ANSWERS) do
    sum = sum + (tonumber(stats[name]) or 0)
  end
  return sum
end

-- By the server's name: since when it is given time, when that was last, and what it had answered when it was too late
-- for the first time.
local doubts = {}

local function is_given_time(server, doubt)
  local now = core.now().sec
  if now - doubt.last > PATIENCE then doubt.since = now end
  doubt.last = now
  local answers, last = answered(server) > doubt.answered, not any_up()
  if answers and last then return true end
  return (answers or last or server:get_stats().weight == 0) and now - doubt.since < PATIENCE
end

local function let_go(server)
  core.msleep(CONNECTING)
  if server:get_stats().status:find("^DOWN") then server:shut_sess() end
end

core.event_sub({ "SERVER_CHECK", "SERVER_DOWN" }, function(event, data)
  local server, name, check = data.reference, data.name, data.check
  if not server then return end
  if check then
    local late = check.result == "FAILED" and check.reason.short:find("TOUT")
    if not late or check.health.cur == 0 then return end
    local doubt = doubts[name] or { since = 0, last = 0 }
    doubt.answered = answered(server)
    doubts[name] = doubt
  elseif (server:get_stats().check_status or ""):find("TOUT") then -- one that is gone has none
    local doubt = doubts[name]
    if doubt and is_given_time(server, doubt) then
      server:check_force_up()
    else
      core.register_task(function() let_go(server) end)
    end
  end
end)

-- For the moment in which the last replica was taken out and is not given back yet; and for the seconds after the start, in
-- which nobody is known yet.
local BEGINNING = 3 -- seconds
local began = os.time()
core.register_action("moment", { "http-req" }, function()
  local patience = os.time() - began < BEGINNING and BEGINNING * 1000 or 100
  for _ = 1, patience / 10 do
    core.msleep(10)
    if any_up() then return end
  end
end)
