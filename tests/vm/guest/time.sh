# SPDX-License-Identifier: GPL-2.0-or-later
# The host compares the marks' times, and what QEMU costs while nothing happens.
clock_marks clock_first
sleep 1
mark idle_begins
sleep 20
mark idle_ends
sleep $((seconds > 23 ? seconds - 23 : 0))
clock_marks clock_last
pass slept "$seconds"
