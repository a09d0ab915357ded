# SPDX-License-Identifier: GPL-2.0-or-later
# The disk's first half is the host's, the second becomes ours.
half=$(($(cat /sys/block/vda/size) / 2))
mib=$((half / 2048))
sum() {
	sha256sum | cut -d' ' -f1
}
equal host_half "$(dd if=/dev/vda bs=1M count=$mib 2>/dev/null | sum)" "$host_half_sha256"
dd if=/dev/urandom of=/tmp/ours bs=1M count=$mib 2>/dev/null
check write dd if=/tmp/ours of=/dev/vda bs=64k seek=$((mib * 16)) conv=fsync
sync
echo 3 >/proc/sys/vm/drop_caches
ours=$(sum </tmp/ours)
equal read_back "$(dd if=/dev/vda bs=1M skip=$mib 2>/dev/null | sum)" "$ours"
equal host_half_again "$(dd if=/dev/vda bs=1M count=$mib iflag=direct 2>/dev/null | sum)" \
	"$host_half_sha256"
pass guest_half "$ours"
