# SPDX-License-Identifier: GPL-2.0-or-later
# The enclaves are not torn down when the machine is reset; the EPC must be empty again after.
mark boot
guest-demo --disk /dev/vda /data/alice.image /data/bob.image hello seal grow >/tmp/demo
cat /tmp/demo
if grep -q 'EXCLAVE-TEST: sealed PASS' /tmp/demo; then
	# One is still running then.
	guest-demo /data/alice.image /data/bob.image storm >/dev/null &
	if [ -n "$crowd" ]; then
		guest-crowd $crowd >/tmp/crowd &
		until grep -q churning /tmp/crowd; do sleep 0.1; done
	fi
	sleep 0.1
	sync
	echo b >/proc/sysrq-trigger
	sleep 60
	fail reboot "the machine is still up"
fi
