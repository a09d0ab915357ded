# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel's own SGX tests. The ioctls that they do once give EAGAIN where the kernel's reclaimer is
# amid a batch of pages, on hardware as well. With a real-time priority it does not lose the
# processor to them; where there are several, it does not get away from the one that they are on
# in the $pinned round.
check reclaimer_first chrt -f -p 1 "$(pidof ksgxd)"
cd /data || fail data "not there"
if [ -n "$pinned" ]; then
	./test_sgx
	mark pinned
	check reclaimer_pinned taskset -p 1 "$(pidof ksgxd)"
	taskset 1 ./test_sgx
else
	./test_sgx
fi
