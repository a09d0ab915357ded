# SPDX-License-Identifier: GPL-2.0-or-later
# Processes with the words $crowds each on its line, all at once; meanwhile $victims others are killed.
echo "$crowds" >/tmp/crowds
while read -r words; do
	guest-crowd $words &
	pids="$pids $!"
done </tmp/crowds
while [ "$victims" -gt 0 ]; do
	guest-crowd victim /data/crowd.image 600 256 4 4 >/tmp/victim &
	until grep -q churning /tmp/victim; do sleep 0.1; done
	sleep 0.5
	kill -9 $!
	wait $!
	victims=$((victims - 1))
done
wait $pids
