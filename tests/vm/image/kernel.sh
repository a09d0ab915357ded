# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel's own benchmarks and tests, and what writes its code while it runs.
check bench_sched_messaging perf bench sched messaging
check bench_sched_pipe perf bench sched pipe -l 20000
for bench in hash wake wake-parallel requeue; do
	check "bench_futex_$bench" perf bench futex $bench
done
# This one takes locks that the kernel keeps, and gives them to the next in line.
check bench_futex_lock-pi perf bench futex lock-pi

# mode=0 has every algorithm's self-test run; the module then refuses to stay.
modprobe tcrypt mode=0 2>/tmp/tcrypt
mode0=$?
check tcrypt test "$mode0" != 0
# What Debian's kernel has not (-ENOENT), it cannot test; a wrong result is -EINVAL.
complaints=$(dmesg | grep -E 'alg: .*(fail|mismatch|wrong|invalid)' |
	grep -vE 'failed to allocate transform for [^ ]+: -2$|self-tests for [^ ]+ using [^ ]+ failed \(rc=-2\)$')
equal tcrypt_failed "$complaints" ''
passed=$(grep -c 'selftest *: passed' /proc/crypto)
check tcrypt_tested test "$passed" -gt 100
equal tcrypt_unknown "$(grep 'selftest *:' /proc/crypto | grep -v passed)" ''

# Code comes and goes, with static calls, jump labels and alternatives in it.
load_and_unload() {
	for _ in $(seq 20); do
		modprobe -a dummy loop nbd xfs raid456 && modprobe -r dummy loop nbd xfs raid456 || return
	done
}
check modules load_and_unload

# The kernel patches itself while other processors run what it patches.
tracing=/sys/kernel/tracing
busy() {
	while [ -e /tmp/busy ]; do cat /proc/stat >/dev/null; done
}
trace_on_and_off() {
	for _ in $(seq 4); do
		echo function >$tracing/current_tracer && echo function_graph >$tracing/current_tracer &&
			echo nop >$tracing/current_tracer || return
	done
}
probe_on_and_off() {
	for i in $(seq 30); do
		echo "p:k$i vfs_read" >$tracing/kprobe_events && echo "r:r$i vfs_open" >>$tracing/kprobe_events &&
			echo 1 >$tracing/events/kprobes/enable && cat /proc/stat >/dev/null &&
			grep -q "k$i:" $tracing/trace && echo 0 >$tracing/events/kprobes/enable &&
			echo >$tracing/kprobe_events || return
		echo >$tracing/trace
	done
}
: >/tmp/busy
# Half of them: each of some 500 batches of places waits until all processors have seen it, which
# on a host with fewer processors takes a time slice of whoever is busy there.
for _ in $(seq $((processors / 2))); do busy & done
check ftrace trace_on_and_off
check kprobes probe_on_and_off
rm /tmp/busy
wait
