# SPDX-License-Identifier: GPL-2.0-or-later
check float float_check compare /data/rows $float_exact
# A second process between: the kernel saves and restores what each has in its registers.
float_check compare /data/rows $float_exact >/tmp/first &
rounds() {
	for round in 1 2 3 4 5 6 7 8; do
		float_check compare /data/rows $float_exact || return 1
	done
}
check float_rounds rounds
if wait $!; then
	pass float_beside
else
	fail float_beside "$(cat /tmp/first)"
fi
