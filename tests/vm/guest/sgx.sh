# SPDX-License-Identifier: GPL-2.0-or-later
# What Linux finds of SGX, and the demonstration's steps $steps; with something
# sealed on disk $disk, $steps_again.
dmesg | sed -n 's/.*sgx: EPC section /EPC-SECTION: /p'
dmesg | grep -q 'sgx: .Firmware Bug.*online node' && echo "EPC-FALLBACK: 0"
for path in /sys/devices/system/node/node*/x86/sgx_total_bytes; do
	node=${path#*/node/node}
	echo "EPC-NODE: ${node%%/*} $(cat "$path")"
done
check sgx_enclave test -c /dev/sgx_enclave
check sgx_provision test -c /dev/sgx_provision
flags=$(grep -m 1 '^flags' /proc/cpuinfo | tr ' ' '\n' | grep -x -e sgx -e sgx_lc | tr '\n' ' ')
equal cpu_flags "$flags" 'sgx sgx_lc '
# Something is on the disk since an earlier boot.
if [ -n "$disk" ] && [ "$(head -c 512 "$disk" | tr -d '\0' | wc -c)" != 0 ]; then
	steps=$steps_again
fi
[ -z "$steps" ] || guest-demo ${disk:+--disk "$disk"} /data/alice.image /data/bob.image $steps
