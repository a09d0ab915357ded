# SPDX-License-Identifier: GPL-2.0-or-later
# stress-ng checks its own results. One class after the other, each on all processors.
stress() {
	name=$1
	shift
	check "stress_$name" stress-ng --verify --timestamp -t "$seconds" "$@"
	mark "$name" "$(date +%s.%N)"
}
stress cpu --cpu "$processors"
stress vm --vm "$processors" --vm-bytes 64M
stress futex --futex "$processors"
stress fork --fork "$processors"
stress signal --signal "$processors" --sigsegv 2 --sigfpe 2
stress timer --timer "$processors"
stress mmap --mmap "$processors" --mmap-bytes 32M
stress cache --cache "$processors"
stress io --io "$processors" --hdd 2 --hdd-bytes 32M
