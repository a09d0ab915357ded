# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel's own SGX tests. Where there is one processor, the ioctls that they do once give EAGAIN
# when the kernel's reclaimer lost it amid a batch, on hardware as well; later versions of the tests
# try again. With a real-time priority it does not lose it to them.
check reclaimer_first chrt -f -p 1 "$(pidof ksgxd)"
cd /data || fail data "not there"
./test_sgx
