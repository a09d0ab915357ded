# SPDX-License-Identifier: GPL-2.0-or-later
# Root looks for what is in an enclave, and the host with it.
start=$(dmesg | sed -n 's/.*sgx: EPC section \(0x[0-9a-f]*\)-.*/\1/p')
guest-hunt /data/alice.image "$start" "$epc_size" "$area"
