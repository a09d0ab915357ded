# SPDX-License-Identifier: GPL-2.0-or-later
# Several processors, and what the kernel has from the hypervisor for them.
said() {
	dmesg | grep -q "$2" && pass "$1" || fail "$1" "the kernel does not say '$2'"
}

if [ -n "$paravirtual" ]; then
	said pv_ipi 'kvm-guest: setup PV IPIs'
	said pv_tlb_flush 'KVM setup pv remote TLB flush'
	said pv_sched_yield 'kvm-guest: setup PV sched yield'
	said pv_spinlocks 'PV qspinlock hash table entries'
fi
for what in clock unmap wake; do
	mark begin "$what"
	check "$what" processors "$what"
	mark end "$what"
done
# Ticks of all processors: the hypervisor says that it has kept them waiting, or nothing.
echo "STOLEN: $(awk '/^cpu / {print $9}' /proc/stat)"
