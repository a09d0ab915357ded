# SPDX-License-Identifier: GPL-2.0-or-later
# User networking: 10.0.2.2 is the host's loopback.
ip link set lo up
ip link set eth0 up
ip addr add 10.0.2.15/24 dev eth0
# The link may take a moment to come up.
for _ in 1 2 3; do
	wget -q -O /dev/null "http://10.0.2.2:$port/random" && break
	sleep 1
done
check fetch wget -q -O /tmp/fetched "http://10.0.2.2:$port/random"
equal fetched "$(sha256sum </tmp/fetched | cut -d' ' -f1)" "$file_sha256"
check send wget -q -O /dev/null --post-file /tmp/fetched "http://10.0.2.2:$port/back"
