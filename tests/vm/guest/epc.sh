# SPDX-License-Identifier: GPL-2.0-or-later
# What the kernel has found of SGX: sections of EPC, devices, EPC by node.
sections=$(dmesg | sed -n 's/.*sgx: EPC section \(0x[0-9a-f]*-0x[0-9a-f]*\).*/\1/p' | tr '\n' ' ')
equal sections "${sections% }" "$expected_sections"
devices=$(cd /dev && echo sgx_*)
equal devices "$devices" "$expected_devices"
bytes=$(cat /sys/devices/system/node/node*/x86/sgx_total_bytes 2>/dev/null | tr '\n' ' ')
equal node_bytes "${bytes% }" "$expected_node_bytes"
# ksgxd looks at every page of the EPC and keeps those that it can EREMOVE.
sleep 1
if dmesg | grep -q 'EREMOVE'; then
	fail sanitized "$(dmesg | grep EREMOVE | head -n 1)"
else
	pass sanitized
fi
