local json = require("json")
local M = {}
M.VERSION = "1"
MAX = 10
local a, b = 1, 2
-- Adds.
function M.add(x, y) return helper(x) + y end
function M:method(x) self:other(x); M.add(1, 2) end
local function helper(x) return x end
function global() print("x") end
M.assigned = function(x) return x end
local fn = function() end
M.table = { inner = function() run() end, value = 1 }
local Class = setmetatable({}, { __index = Base })
local handlers = { ["key"] = function() end, nested = { deep = function() end } }
handlers["other"] = function() end
if flag then chosen = pcall(require, "opt") end
return M
