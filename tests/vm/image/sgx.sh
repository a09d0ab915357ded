# SPDX-License-Identifier: GPL-2.0-or-later
# Enclaves as services of the system.
systemctl start exclave-demo
equal demo_service "$(systemctl show -P Result exclave-demo)" success
journalctl -o cat -u exclave-demo | grep EXCLAVE-TEST
systemctl start exclave-selftest
equal selftest_service "$(systemctl show -P Result exclave-selftest)" success
journalctl -o cat -u exclave-selftest | grep -E '^(ok|not ok|#)'
equal selftest_totals "$(journalctl -o cat -u exclave-selftest | grep '# Totals')" "$totals"
