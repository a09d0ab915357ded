# SPDX-License-Identifier: GPL-2.0-or-later
# Twenty megabytes there and back, by two implementations that read each other's output.
equal plain "$(sha256sum </data/plain | cut -d' ' -f1)" "$plain_sha256"
/bin/gnu-gzip -n -2 </data/plain >/tmp/packed.gz
check gnu_to_busybox sh -c "gunzip -c /tmp/packed.gz | cmp - /data/plain"
head -c 2000000 /data/plain >/tmp/part
gzip -c /tmp/part >/tmp/part.gz
check busybox_to_gnu sh -c "/bin/gnu-gzip -dc </tmp/part.gz | cmp - /tmp/part"
# The same program and input: the same bytes as on the host.
equal packed "$(sha256sum </tmp/packed.gz | cut -d' ' -f1)" "$packed_sha256"
