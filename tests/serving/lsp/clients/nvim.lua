-- Start the server as docs/editors.md has it, ask, print the answers, quit. For neovim 0.7 and later.
local function die(message) print("FAILED " .. message); vim.cmd("cquit") end
local ok, message = pcall(function()
  vim.cmd("filetype on")
  dofile(vim.env.CONFIG)
  vim.cmd("edit " .. vim.env.FILE)
  local attached = vim.wait(60000, function() return #vim.lsp.buf_get_clients(0) > 0 end, 20)
  if not attached then die("no client") end
  local function ask(method, params)
    local answers = vim.lsp.buf_request_sync(0, method, params, 60000)
    for _, one in pairs(answers or {}) do
      if one.error then die(one.error.message) end
      return one.result
    end
  end
  vim.api.nvim_win_set_cursor(0, {tonumber(vim.env.LINE), tonumber(vim.env.COLUMN)})
  local place = vim.lsp.util.make_position_params(0, vim.lsp.get_client_by_id(1).offset_encoding)
  local found = ask("textDocument/definition", place)
  local first = found[1] or found
  print("DEFINITION " .. (first.uri or first.targetUri) .. " " .. (first.range or first.targetSelectionRange).start.line)
  print("SYMBOLS " .. #ask("workspace/symbol", {query = "total"}))
  print("HOVER " .. ask("textDocument/hover", place).contents.value:gsub("\n", " "))
end)
if not ok then die(tostring(message)) end
vim.cmd("qall!")
