# SPDX-License-Identifier: GPL-2.0-or-later
# How a guest's script reports: a line for each check, which tests/vm/harness.py reads.

pass() {
	name=$1
	shift
	echo "EXCLAVE-TEST: $name PASS $*"
}

fail() {
	name=$1
	shift
	echo "EXCLAVE-TEST: $name FAIL $*"
}

# A point in time for the host.
mark() {
	echo "EXCLAVE-MARK: $*"
}

# check NAME COMMAND...: the command's success, with its last line.
check() {
	check_name=$1
	shift
	if "$@" >/tmp/check.out 2>&1; then
		pass "$check_name" "$(tail -n 1 /tmp/check.out)"
	else
		fail "$check_name" "status $?: $(tail -n 3 /tmp/check.out | tr '\n' ' ')"
	fi
}

# equal NAME GOT EXPECTED
equal() {
	if [ "$2" = "$3" ]; then
		pass "$1" "$2"
	else
		fail "$1" "got '$2', expected '$3'"
	fi
}

# What the processor's weaknesses leave open is another matter (case `boot`).
check_kernel_log() {
	dmesg | grep -v 'leaves CPU vulnerable' >/tmp/dmesg
	if grep -E 'WARNING:|BUG:|Oops|general protection|traps:|segfault at|Call Trace|self-detected stall|detected (expedited )?stalls|blocked for more than|E[A-Z]+ returned|lockup|clocksource: Marking|Kernel panic' \
		/tmp/dmesg >/tmp/complaints; then
		fail kernel_log "$(head -n 5 /tmp/complaints | tr '\n' '|')"
	else
		pass kernel_log "$(wc -l </tmp/dmesg) lines"
	fi
}
