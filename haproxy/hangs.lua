-- Decides about a replica that does not answer /status in time.
--
-- It may hang. Then it will never answer the requests that it holds: once it is out, their connections are closed, and
-- nginx repeats those that are harmless to repeat. Not at once: a request that is still connecting is retried by HAProxy.
--
-- Or the server is busy, and everything takes longer. A replica that answers requests does not hang: it gets more time.
-- So do a replica that drains and the last replica: without that one, all users would get 503.
local CONNECTING = 220 -- milliseconds, longer than `timeout connect`
local PATIENCE = 3 -- seconds
local ANSWERS = { "hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other" }

local function any_up() return core.backends.app:get_srv_act() > 0 end

local function answered(server)
  local stats, sum = server:get_stats(), 0
  for _, name in ipairs(ANSWERS) do
    sum = sum + (tonumber(stats[name]) or 0)
  end
  return sum
end

-- By the server's name: when it first got more time, when it last did, and how much it had answered at its first late check.
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
  if not server or (check and check.agent) then return end
  -- The next replica in this slot must not inherit its `drain`.
  if not check and server:is_draining() then server:set_ready() end
  if check then
    local late = check.result == "FAILED" and check.reason.short:find("TOUT")
    if not late or check.health.cur == 0 then return end
    local doubt = doubts[name] or { since = 0, last = 0 }
    doubt.answered = answered(server)
    doubts[name] = doubt
  elseif (server:get_stats().check_status or ""):find("TOUT") then -- a removed replica has no check_status
    local doubt = doubts[name]
    if doubt and is_given_time(server, doubt) then
      server:check_force_up()
    else
      core.register_task(function() let_go(server) end)
    end
  end
end)

-- Holds a request while no replica is up: for the moment between the last replica's removal and its return, and for the
-- first seconds after HAProxy's start, before it has found the replicas.
local BEGINNING = 3 -- seconds
local began = core.now().sec -- not os.time(): HAProxy's own clock does not go back
core.register_action("moment", { "http-req" }, function()
  local patience = core.now().sec - began < BEGINNING and BEGINNING * 1000 or 100
  for _ = 1, patience / 10 do
    core.msleep(10)
    if any_up() then return end
  end
end)
