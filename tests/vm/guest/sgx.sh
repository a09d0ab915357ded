# SPDX-License-Identifier: GPL-2.0-or-later
# What Linux finds of SGX, and the demonstration's steps $steps.
dmesg | sed -n 's/.*sgx: EPC section /EPC-SECTION: /p'
dmesg | grep -q 'sgx: .Firmware Bug.*online node' && echo "EPC-FALLBACK: 0"
for path in /sys/devices/system/node/node*/x86/sgx_total_bytes; do
	node=${path#*/node/node}
	echo "EPC-NODE: ${node%%/*} $(cat "$path")"
done
check sgx_enclave test -c /dev/sgx_enclave
check sgx_provision test -c /dev/sgx_provision
equal cpu_flags "$(grep -o -w -m 1 -e 'sgx.*' /proc/cpuinfo | tr ' ' '\n' | grep -c -x -e sgx -e sgx_lc)" 2
[ -z "$steps" ] || guest-demo ${disk:+--disk "$disk"} /data/alice.image /data/bob.image $steps
