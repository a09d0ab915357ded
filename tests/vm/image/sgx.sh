# SPDX-License-Identifier: GPL-2.0-or-later
# Enclaves as services of the system.
systemctl start exclave-demo
equal demo_service "$(systemctl show -P Result exclave-demo)" success
journalctl -o cat -u exclave-demo | grep EXCLAVE-TEST
# One of the kernel's tests does without retrying what the reclaimer may refuse (EAGAIN) while it is at
# work: so they take turns, on one processor.
equal reclaimer "$(taskset -p -c 0 "$(pgrep -x ksgxd)" | tail -n 1 | sed 's/.*: //')" 0
mkdir -p /run/systemd/system/exclave-selftest.service.d
printf '[Service]\nCPUAffinity=0\n' >/run/systemd/system/exclave-selftest.service.d/processor.conf
systemctl daemon-reload
systemctl start exclave-selftest
equal selftest_service "$(systemctl show -P Result exclave-selftest)" success
journalctl -o cat -u exclave-selftest | grep -E '^(ok|not ok|#)'
equal selftest_totals "$(journalctl -o cat -u exclave-selftest | grep '# Totals')" "$totals"
