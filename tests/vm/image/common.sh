# SPDX-License-Identifier: GPL-2.0-or-later
# What every script in the disk image begins with: Debian with systemd, root's shell on the serial line.
cd /run/test || exit
. ./check.sh
. ./variables.sh
export LC_ALL=C TERM=dumb PAGER=cat

disk() {
	echo "/dev/disk/by-id/virtio-$1"
}

# Nothing lost, nothing stuck, and down in good order.
finish() {
	mark clock_last "$(date +%s.%N)"
	equal failed_units "$(systemctl --failed --plain --no-legend | tr '\n' ' ')" ''
	equal clocksource "$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)" kvm-clock
	dmesg >/tmp/all
	if grep -E "self-detected|detected stalls|rcu:.*stall|rcu:.*starved|lockup|blocked for more than|NETDEV WATCHDOG|I/O error|EXT4-fs (error|warning)|ata.*(exception|failed)|unstable" \
		/tmp/all >/tmp/complaints; then
		fail stuck "$(head -n 5 /tmp/complaints | tr '\n' '|')"
	else
		pass stuck none
	fi
	check_kernel_log
	pass end
	systemctl poweroff
}

dmesg -n 4
mark clock_first "$(date +%s.%N)"
