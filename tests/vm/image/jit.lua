-- SPDX-License-Identifier: GPL-2.0-or-later
-- Many hot loops, each compiled to a trace; side exits by strings, floats and tables; code thrown away.
local bit = require("bit")
local sum = 0
for round = 1, 200 do
  local source = string.format(
    "local s, t = %d, {} for i = 1, 2000 do t[i %% 16] = i * %d s = (s + (t[(i * 7) %% 16] or i)) %% 1000003 "
      .. "if i %% %d == 0 then s = s * 3 %% 1000003 end end return s",
    round, round, round % 13 + 2)
  sum = (sum + loadstring(source)()) % 1000003
  if round % 50 == 0 and jit.flush then jit.flush() end
end
local x = 0.5
for _ = 1, 300000 do x = 3.9 * x * (1 - x) end
local h = 0
for i = 1, 300000 do h = bit.bxor(bit.rol(h, 5), i) end
local words = {}
for i = 1, 20000 do words[#words + 1] = string.char(97 + i % 26) end
print(sum, string.format("%.17g", x), h, #table.concat(words))
