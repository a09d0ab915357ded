# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel itself: what it says of the processor's weaknesses, and its clock.
for path in /sys/devices/system/cpu/vulnerabilities/*; do
	echo "VULNERABILITY: ${path##*/}: $(cat "$path")"
done
echo "CLOCKSOURCE: $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
echo "MEMORY: $(awk '/^MemTotal/ {print $2}' /proc/meminfo)"
echo "PROCESSORS: $(grep -c ^processor /proc/cpuinfo)"
pass booted "$(uname -r)"
